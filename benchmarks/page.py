"""The page: figures as Markdown, each with its spread, and each goal met or missed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from measure import Spread


@dataclass(frozen=True)
class Goal:
    """A bar for a figure.

    Attributes:
        text: what is wanted.
        value: what came out; a whole number is a count.
        limit: the bar.
        at_most: whether lower is better.
        unit: behind the value.
    """

    text: str
    value: float
    limit: float
    at_most: bool
    unit: str = "x"

    @property
    def is_met(self) -> bool:
        """Whether it was reached."""
        return self.value <= self.limit if self.at_most else self.value >= self.limit


def goals_table(goals: Sequence[Goal]) -> str:
    """All goals, the missed ones too."""
    rows = [
        (
            goal.text,
            f"{'<=' if goal.at_most else '>='} {goal.limit:g} {goal.unit}",
            f"{goal.value if isinstance(goal.value, int) else f'{goal.value:.2f}'} {goal.unit}",
            "met" if goal.is_met else "**missed**",
        )
        for goal in goals
    ]
    return table(("Goal", "bar", "measured", ""), rows)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, first column to the left, the others to the right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rule, *rows))


def spread(values: Spread, unit: str = "s") -> str:
    """The median, and the range if there is one: `1.23 s (1.20..1.30)`."""
    middle = f"{_figures(values.median)} {unit}"
    if len(values.values) == 1:
        return middle
    return f"{middle} ({_figures(min(values.values))}..{_figures(max(values.values))})"


def _figures(value: float) -> str:
    """Three figures that mean something."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.{2 if value >= 1 else 3}f}"
