"""Charts of lanes: the course as it is played, its points on it, on axes that show it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from mixbridge.bridge.cli.main import cli
from mixbridge.bridge.report.lane_charts import lane_charts, path_of, value_axis
from mixbridge.presets import files
from mixbridge.presets.console import Strip, parameters
from mixbridge.presets.lanes.lane import Lane, lane
from mixbridge.presets.preset import Preset, Track

ROWS = parameters(Strip)
FADER = lane("fader_db", [(10, -6), (20, 0)])
HELD = lane("pan", [(0, -0.5), (30, 0.5)], "hold")
SWEEP = lane("eq.band1.freq_hz", [(0, 200), (60, 3200)])


def numbers(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML](\d+\.\d) (\d+\.\d)", path)]


def test_the_course_goes_through_its_points() -> None:
    (chart,) = lane_charts([FADER], Strip, 60.0)
    svg = str(chart.chart)
    line = numbers(svg.split('class="line mix" d="')[1])
    dots = [(float(x), float(y)) for x, y in re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', svg)]
    assert len(dots) == 2
    assert set(dots) < set(line)
    width = 340 - 34 - 14
    assert [x for x, _ in dots] == [pytest.approx(34 + width * time_s / 60, abs=0.1) for time_s in (10, 20)]
    assert dots[0][1] > dots[1][1]  # louder is higher
    assert line[0] == (34.0, dots[0][1])  # as at the first point before it, as at the last one behind it
    assert line[-1] == (34.0 + width, dots[1][1])
    assert chart.caption.startswith("fader, dB over time: 2 points, 0:10.0 to 0:20.0")


def test_held_values_are_stairs() -> None:
    assert path_of(HELD, 40) == ([0.0, 0.0, 30.0, 30.0, 40], [-0.5, -0.5, -0.5, 0.5, 0.5])


def test_frequencies_run_in_octaves() -> None:
    axis = value_axis(SWEEP, ROWS["eq.band1.freq_hz"])
    assert axis.log
    assert axis.share(800) == pytest.approx(0.5)
    assert [label for _, label in axis.ticks] == ["200", "500", "1k", "2k"]


@pytest.mark.parametrize(
    "item",
    [
        FADER,
        HELD,
        SWEEP,
        lane("fader_db", [(0, -120), (5, 12)]),
        lane("compressor.ratio", [(0, 1), (5, 20)]),
        lane("compressor.attack_ms", [(0, 0.1), (0.001, 0.2)]),
        lane("eq.band0.q", [(0, 0.7), (1, 0.71)]),
        lane("saturation.mix", [(0, 0.0), (86400, 1.0)]),
    ],
)
def test_any_lane_has_an_axis_that_holds_it(item: Lane) -> None:
    axis = value_axis(item, ROWS[item.parameter])
    assert axis.low < axis.high
    assert all(axis.low <= point.value <= axis.high for point in item.points)
    assert 2 <= len(axis.ticks) <= 10 or axis.log
    (chart,) = lane_charts([item], Strip, 3.0)
    assert "nan" not in chart.chart


def test_what_stands_still_has_no_chart() -> None:
    assert lane_charts([lane("fader_db", [(0, -3), (9, -3)])], Strip, 10) == []


def test_a_picture_of_a_preset(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    preset = Preset(tracks=(Track(name="Vox $x", lanes=(FADER, SWEEP)), Track(name="Keys", lanes=(HELD,))))
    files.save(preset, tmp_path / "mix.json")
    picture = tmp_path / "lanes.svg"
    result = CliRunner().invoke(cli, ["preset", "show", str(tmp_path / "mix.json"), "--picture", str(picture)])
    assert result.exit_code == 0, result.output
    assert picture.read_text(encoding="utf-8").count('<g id="axes_') == 3
    still = Preset(tracks=(Track(name="Vox"),))
    files.save(still, tmp_path / "still.json")
    refused = CliRunner().invoke(cli, ["preset", "show", str(tmp_path / "still.json"), "--picture", str(picture)])
    assert refused.exit_code != 0
    assert "no lanes that move" in str(refused.exception)
