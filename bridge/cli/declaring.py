"""Options as fields of a frozen dataclass, each declared once.

`@takes(Writing, "writing")` adds the options of a dataclass to a command, which gets them as one argument. An option
with `old=` is understood by its old name for one more version, with a hint. Importing this loads click alone.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import field, fields
from typing import Any, Final, TypeVar

import click
from click.core import ParameterSource

from .output.saying import say_hint

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTION: Final = "option"


class Renamed(click.Option):
    """An option that is still understood by its old name."""

    def __init__(self, *positional: Any, old: str, **attributes: Any) -> None:
        super().__init__(*positional, **attributes)
        self.old = old

    def consume_value(self, ctx: click.Context, opts: Mapping[str, Any]) -> tuple[Any, ParameterSource]:
        """Takes the value of the old name if that was typed."""
        former = _former_name(self.old)
        if former in opts and self.name not in opts:
            say_hint(f"option {self.old}", max(self.opts, key=len))
            return opts[former], ParameterSource.COMMANDLINE
        return super().consume_value(ctx, opts)


def option(*declarations: str, old: str | None = None, **attributes: Any) -> Callable[[Command], Command]:
    """Declares an option, as `click.option` does.

    Args:
        declarations: its names.
        old: a name that it had in the last version.
        attributes: of `click.option`.
    """
    if old is None:
        return click.option(*declarations, **attributes)
    multiple = attributes.get("multiple", False)

    def decorate(command: Command) -> Command:
        command = click.option(old, _former_name(old), hidden=True, expose_value=False, multiple=multiple)(command)
        return click.option(*declarations, cls=Renamed, old=old, **attributes)(command)

    return decorate


def shared(*declarations: str, **attributes: Any) -> Any:
    """Declares a field of a dataclass as an option; arguments as for :func:`option`."""
    return field(metadata={_OPTION: (declarations, attributes)})


def takes(
    options: type[Any], name: str, changes: Mapping[str, Mapping[str, Any]] | None = None
) -> Callable[[Command], Command]:
    """Adds the options of a dataclass to a command, which gets them as one argument.

    Args:
        options: a dataclass of :func:`shared` fields.
        name: of the argument.
        changes: what is different about a field's option in this command, such as its default.
    """

    def decorate(callback: Command) -> Command:
        @functools.wraps(callback)
        def collected(*positional: Any, **values: Any) -> Any:
            chosen = {item.name: values.pop(item.name) for item in fields(options)}
            return callback(*positional, **values, **{name: options(**chosen)})

        command: Any = collected
        for item in reversed(fields(options)):
            declarations, attributes = item.metadata[_OPTION]
            changed = {**attributes, **(changes or {}).get(item.name, {})}
            command = option(*declarations, item.name, **changed)(command)
        return command  # type: ignore[no-any-return]  # the same kind of callable that came in

    return decorate


def _former_name(old: str) -> str:
    return f"former_{old.lstrip('-').replace('-', '_')}"
