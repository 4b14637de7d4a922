"""A strip or master of a preset as settings of a desk, with what does not fit: errors, clamped values, losses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ...presets.console import EQ_BANDS, SEND_OFF_DB, Master, Strip, get
from ...presets.edit import Bus, without_input_gain
from ...presets.errors import DeskError
from ...presets.sections import active_sections, described, rows_of
from ...presets.units import quantity
from ...runtime.console.eq import INAUDIBLE_DB
from ..desks.layout import SETTABLE
from ..desks.profile import Desk
from .abilities import Clamp, clamp_of, grid_of, highest, lowest, snapped
from .compressor import FittedCompressor, fit_compressor
from .equalizer import FittedEq, fit_eq
from .match import without_match
from .stages import FittedStage, fit_stages

# Less is not heard.
_AUDIBLE_PAN = 0.005
_SENDS = tuple(rows_of(Strip, "send"))


@dataclass(frozen=True)
class FittedStrip:
    """A strip as a desk has it.

    Attributes:
        values: by canonical key, each on the desk's grid; only keys that the desk has.
        eq: how near its equalizer comes; None if the desk has none.
        compressor: how near its compressor comes; None if the desk has none.
        clamped: what is out of the desk's range.
        lost: what is in use in the preset and cannot be on the desk, in sentences.
    """

    values: Mapping[str, float | str]
    eq: FittedEq | None
    compressor: FittedCompressor | None
    clamped: tuple[Clamp, ...]
    lost: tuple[str, ...]


def fit_strip(
    strip: Bus,
    desk: Desk,
    kind: str,
    sample_rate_hz: int = 48000,
    *,
    trims: bool = True,
    least_trim_db: float = 0.0,
) -> FittedStrip:
    """Fit a strip or the master to what a desk can do.

    The settings are sent in the desk form: trim at 0, thresholds as the raw track meets them, the balance on the
    faders. Only what is too loud for a fader goes to the trim, before EQ and compressor, with the threshold.

    Args:
        strip: settings of the console.
        desk: where they are to stand.
        kind: of the desk's strip: "track", "bus" or "master".
        sample_rate_hz: of the desk.
        trims: whether the trim may be set; otherwise what is too loud for the fader is cut off there.
        least_trim_db: of its trim, where another strip that it is linked with needs as much.

    Raises:
        DeskError: the desk has no such kind of strip.
    """
    if kind not in desk.strips:
        raise DeskError(f"{desk.title} has no {kind} that mixbridge can reach: leave it out of what is sent")
    plain, match = without_match(without_input_gain(strip), sample_rate_hz)
    trim_db = needed_trim_db(plain, desk, kind) if trims else 0.0
    fitted: FittedStrip = _fitted(plain, desk, kind, sample_rate_hz, max(trim_db, least_trim_db))
    return fitted if match is None else replace(fitted, lost=(*fitted.lost, f"The {match.words}."))


def needed_trim_db(plain: Strip | Master, desk: Desk, kind: str) -> float:
    """Compute what the trim has to give because a fader ends; 0 where the fader is enough, or there is no trim.

    Args:
        plain: settings of the console in the desk form.
        desk: where they are to stand.
        kind: of the desk's strip.
    """
    compressor = _compressor(plain, desk, kind, trim_db=0.0)
    return _trim_db(_fader_db(plain, compressor), desk, kind)


def _fitted(plain: Strip | Master, desk: Desk, kind: str, sample_rate_hz: int, trim_db: float) -> FittedStrip:
    ability = desk.eq(kind)
    eq = fit_eq(plain.eq, ability, sample_rate_hz) if ability else None
    compressor = _compressor(plain, desk, kind, trim_db=0.0)
    wanted = _levels(plain)
    wanted.update(trim_db=trim_db, fader_db=_fader_db(plain, compressor) - trim_db)
    if trim_db:
        compressor = _compressor(plain, desk, kind, trim_db)
    values: dict[str, float | str] = {}
    clamps: list[Clamp | None] = []
    for key, value in wanted.items():
        scale = desk.scale(kind, key)
        if scale is not None:
            is_off = key in _SENDS and value <= SEND_OFF_DB
            values[key] = rounded = lowest(scale) if is_off else snapped(scale, value)
            # A level below the scale's lowest is off there, as good as.
            clamps.append(None if is_off or value < rounded else clamp_of(key, scale, value))
    values.update(_send_switches(wanted, desk, kind))
    stages = list(_stages(plain, desk, kind, trim_db))
    for part in (*((eq,) if eq else ()), *((compressor,) if compressor else ()), *stages):
        values.update(part.values)
    clamped = (clamp for part in (*((compressor,) if compressor else ()), *stages) for clamp in part.clamped)
    return FittedStrip(
        values=values,
        eq=eq,
        compressor=compressor,
        clamped=(*(clamp for clamp in clamps if clamp), *clamped),
        lost=tuple(_lost(plain, wanted, stages, desk, kind)),
    )


def _stages(plain: Strip | Master, desk: Desk, kind: str, trim_db: float) -> Iterable[FittedStage]:
    """Fit cuts, gate and so on, which a master has none of; thresholds go with the trim."""
    if isinstance(plain, Master):
        return ()
    moved = without_input_gain(plain.model_copy(update={"input_gain_db": -trim_db})) if trim_db else plain
    return fit_stages(moved, desk, kind)


def _send_switches(wanted: Mapping[str, float], desk: Desk, kind: str) -> dict[str, float]:
    """Sends that are in use have to be on; those that are not are off by their level."""
    keys = {path: f"send.{path.removesuffix('_send_db')}_on" for path in _SENDS}
    return {
        key: 1.0
        for path, key in keys.items()
        if wanted.get(path, SEND_OFF_DB) > SEND_OFF_DB and desk.scale(kind, key) is not None
    }


def _fader_db(plain: Strip | Master, compressor: FittedCompressor | None) -> float:
    """The level that the fader has to give: with what the desk's compressor cannot."""
    left_over_db = compressor.left_over_db if compressor else plain.compressor.makeup_db
    return _levels(plain)["fader_db"] + left_over_db


def _compressor(strip: Strip | Master, desk: Desk, kind: str, trim_db: float) -> FittedCompressor | None:
    ability = desk.compressor(kind)
    if ability is None:
        return None
    threshold_db = strip.compressor.threshold_db + trim_db
    return fit_compressor(strip.compressor.model_copy(update={"threshold_db": threshold_db}), ability)


def _levels(strip: Strip | Master) -> dict[str, float]:
    if isinstance(strip, Master):
        return {"fader_db": strip.output_gain_db, "pan": 0.0}
    return {"fader_db": strip.fader_db, "pan": strip.pan, **_sends_db(strip)}


def _sends_db(strip: Strip) -> dict[str, float]:
    return {path: get(strip, path) for path in rows_of(Strip, "send")}


def _trim_db(fader_db: float, desk: Desk, kind: str) -> float:
    """Compute what the trim has to give because the fader ends; always enough, if it can."""
    fader, trim = desk.scale(kind, "fader_db"), desk.scale(kind, "trim_db")
    if fader is None or trim is None or fader_db <= highest(fader):
        return 0.0
    too_much_db = fader_db - highest(fader)
    grid = grid_of(trim)
    enough = too_much_db if grid is None else min(grid[grid >= too_much_db], default=too_much_db)
    return snapped(trim, enough)


def _lost(
    strip: Strip | Master, wanted: Mapping[str, float], stages: Iterable[FittedStage], desk: Desk, kind: str
) -> list[str]:
    """Say what is in use and has no counterpart, to a person who mixes."""
    lost = []
    gain_db = max(abs(getattr(strip.eq, name).gain_db) for name in EQ_BANDS)
    compresses = strip.compressor.ratio > 1
    if desk.eq(kind) is None and gain_db >= INAUDIBLE_DB:
        lost.append(f"The EQ, with up to {quantity(gain_db, 'dB')} in a band: {desk.title} has none to be set.")
    if desk.compressor(kind) is None and compresses:
        ratio = quantity(strip.compressor.ratio, ":1")
        lost.append(f"The compression of {ratio}: {desk.title} has no compressor to be set.")
    if compresses and strip.compressor.lookahead_ms > 0:
        lookahead = quantity(strip.compressor.lookahead_ms, "ms")
        lost.append(f"The compressor's look-ahead of {lookahead}: peaks get through a little more on a desk.")
    lost += (sentence for stage in stages for sentence in stage.lost)
    for section in active_sections(strip, known=SETTABLE):
        lost.append(f"The {described(strip, section)}: desks have none in their strips.")
    if desk.scale(kind, "fader_db") is None and abs(wanted["fader_db"]) >= INAUDIBLE_DB:
        lost.append(f"The level of {wanted['fader_db']:+.1f} dB: {desk.title} has no fader to be set.")
    if desk.scale(kind, "pan") is None and abs(wanted["pan"]) >= _AUDIBLE_PAN:
        lost.append(f"The position {wanted['pan']:+.2f} between left and right: {desk.title} has no pan to be set.")
    for path, row in rows_of(Strip, "send").items():
        send_db = wanted.get(path, SEND_OFF_DB)
        if desk.scale(kind, path) is None and send_db > SEND_OFF_DB:
            effect = path.removesuffix("_send_db")
            why = f"{desk.title} has no such send to be set"
            if effect in desk.effect_kinds and effect not in desk.effects:
                why = f"no {effect} of {desk.title} is chosen"
            lost.append(f"The {row.label} of {send_db:.1f} dB: {why}.")
    return lost
