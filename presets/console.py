"""The mixing console, described once.

The classes below *are* the table: each setting is declared in one place with its unit (also in its name), range,
scale, neutral value and a line of help. Validation, the JSON schema, denormalising a model's outputs, `amount`,
sliders, desk mappings and docs are derived from it through :func:`parameters`, :func:`get` and :func:`replace`.
Nothing here touches audio.

Signal flow of a strip: input gain, gate, low cut, high cut, EQ, compressor, de-esser, saturation, fader, pan; the sends
are taken behind the pan. Strips go to their group's bus, which has a strip of its own, or to the mix; there they are
summed with the returns of reverb, delay and fx bus. The master is input gain, EQ, match curve, compressor, output gain.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from .parts.match import MatchCurve
from .parts.table import Move, Parameter, Part, Scale, Unit, get, parameters, replace

__all__ = ["Move", "Parameter", "Part", "Scale", "Unit", "get", "parameters", "replace"]

EQ_BANDS = ("low_shelf", "band0", "band1", "band2", "band3", "high_shelf")
FX_BAND_CENTRES_HZ = (31.5, 63.0, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 6000.0, 8000.0, 12000.0, 16000.0)
Note = Literal["1/2", "1/4", "1/4.", "1/4t", "1/8", "1/8.", "1/8t", "1/16", "1/16.", "1/16t"]
# In quarter notes; a dot is half as much again, "t" a triplet.
NOTE_BEATS: Mapping[Note, float] = {
    "1/2": 2,
    "1/4": 1,
    "1/4.": 1.5,
    "1/4t": 2 / 3,
    "1/8": 1 / 2,
    "1/8.": 3 / 4,
    "1/8t": 1 / 3,
    "1/16": 1 / 4,
    "1/16.": 3 / 8,
    "1/16t": 1 / 6,
}
SEND_OFF_DB = -80.0
# What is set once for a song and has no lane: a delay, the order of a filter, a filter that is fitted as a whole.
LANELESS_SECTIONS = frozenset({"match"})
LANELESS_SETTINGS = frozenset(
    {"compressor.lookahead_ms", "low_cut.slope_db_per_octave", "high_cut.slope_db_per_octave", "saturation.tone"}
)
LOW_CUT_OFF_HZ = 16.0
HIGH_CUT_OFF_HZ = 22000.0


class EqBand(Part):
    """One filter, as in R. Bristow-Johnson's Audio EQ Cookbook."""

    gain_db: Annotated[float, Parameter("dB", -24, 24, "linear", 0, "boost or cut of the band")] = 0.0
    freq_hz: Annotated[
        float, Parameter("Hz", 20, 22000, "log", None, "centre, or corner of a shelf", label="frequency")
    ] = 1000.0
    q: Annotated[float, Parameter("", 0.1, 10, "log", None, "narrowness of the band", label="Q")] = 0.71


class Equalizer(Part):
    """Low shelf, four bells, high shelf."""

    low_shelf: EqBand = EqBand(freq_hz=100)
    band0: EqBand = EqBand(freq_hz=250)
    band1: EqBand = EqBand(freq_hz=3000)
    band2: EqBand = EqBand(freq_hz=9000)
    band3: EqBand = EqBand(freq_hz=14000)
    high_shelf: EqBand = EqBand(freq_hz=10000)


class Compressor(Part):
    """Feed-forward compressor; ratio 1 is off.

    Its detector follows |x| with one pole, whose time constant is the attack or release divided by 2 pi
    (pedalboard's law, measured; see docs/console.md).
    """

    threshold_db: Annotated[
        float, Parameter("dB", -120, 60, "linear", None, "level where it starts", with_gain="adds")
    ] = 0.0
    ratio: Annotated[float, Parameter(":1", 1, 20, "log", 1, "input dB for one dB out, above it")] = 1.0
    attack_ms: Annotated[float, Parameter("ms", 0.1, 1000, "log", None, "time to clamp down")] = 20.0
    release_ms: Annotated[float, Parameter("ms", 1, 5000, "log", None, "time to let go")] = 150.0
    knee_db: Annotated[float, Parameter("dB", 0, 24, "linear", None, "width of the soft corner")] = 6.0
    makeup_db: Annotated[float, Parameter("dB", -24, 24, "linear", 0, "gain behind it", is_level=True)] = 0.0
    lookahead_ms: Annotated[
        float,
        Parameter(
            "ms", 0, 50, "linear", None, "how early it sees the signal coming (no delay is heard)", label="look-ahead"
        ),
    ] = 0.0


class Gate(Part):
    """Expander with hysteresis and hold; range 0 is off."""

    threshold_db: Annotated[
        float, Parameter("dB", -120, 60, "linear", None, "level where it opens", with_gain="adds")
    ] = -24.0
    range_db: Annotated[float, Parameter("dB", 0, 80, "linear", 0, "the most it turns down; 0 is off")] = 0.0
    ratio: Annotated[float, Parameter(":1", 1, 100, "log", None, "output dB for one dB in, below the threshold")] = 10.0
    attack_ms: Annotated[float, Parameter("ms", 0.05, 100, "log", None, "time to open")] = 1.0
    hold_ms: Annotated[float, Parameter("ms", 0, 2000, "linear", None, "time it stays open at least")] = 40.0
    release_ms: Annotated[float, Parameter("ms", 5, 5000, "log", None, "time to close")] = 200.0
    hysteresis_db: Annotated[
        float, Parameter("dB", 0, 24, "linear", None, "how far below the threshold it closes again")
    ] = 4.0


class LowCut(Part):
    """Butterworth high-pass."""

    freq_hz: Annotated[
        float,
        Parameter(
            "Hz", LOW_CUT_OFF_HZ, 400, "log", LOW_CUT_OFF_HZ, "what is below is cut; 16 is off", label="frequency"
        ),
    ] = LOW_CUT_OFF_HZ
    slope_db_per_octave: Annotated[
        float, Parameter("dB/oct", 12, 24, "linear", None, "steepness: 12 or 24", label="slope")
    ] = 12.0


class HighCut(Part):
    """Butterworth low-pass."""

    freq_hz: Annotated[
        float,
        Parameter(
            "Hz", 1000, HIGH_CUT_OFF_HZ, "log", HIGH_CUT_OFF_HZ, "what is above is cut; 22000 is off", label="frequency"
        ),
    ] = HIGH_CUT_OFF_HZ
    slope_db_per_octave: Annotated[
        float, Parameter("dB/oct", 12, 24, "linear", None, "steepness: 12 or 24", label="slope")
    ] = 12.0


class DeEsser(Part):
    """Turns sibilance down in its own band; range 0 is off."""

    freq_hz: Annotated[float, Parameter("Hz", 2000, 16000, "log", None, "centre of the band", label="frequency")] = (
        6500.0
    )
    threshold_db: Annotated[
        float, Parameter("dB", -120, 60, "linear", None, "level of the band where it starts", with_gain="adds")
    ] = -24.0
    range_db: Annotated[float, Parameter("dB", 0, 24, "linear", 0, "the most it turns down; 0 is off")] = 0.0


class Saturation(Part):
    """Soft clipping tanh(drive * x) / drive: quiet sound passes unchanged; drive 0 is off."""

    drive: Annotated[
        float,
        Parameter("", 0, 100, "linear", 0, "how hard it is driven: 1 bends only near full scale", with_gain="divides"),
    ] = 0.0
    tone: Annotated[float, Parameter("", -1, 1, "linear", None, "what is bent more: -1 lows, 1 highs")] = 0.0
    mix: Annotated[float, Parameter("", 0, 1, "linear", None, "share of the bent sound")] = 1.0
    level_match: Annotated[
        float, Parameter("", 0, 1, "linear", None, "how far the loudness that the bend takes is given back")
    ] = 0.0


_INPUT_GAIN = Parameter(
    "dB", -96, 96, "linear", 0, "gain before EQ and compressor", "trim", "trim", with_gain="adds", is_level=True
)


def _send(target: str) -> Parameter:
    """A row for a send to an effect bus."""
    label = f"send to the {target}"
    text = f"{label}; -80 is off"
    return Parameter("dB", SEND_OFF_DB, 12, "level", SEND_OFF_DB, text, "send", label, is_level=True)


class Strip(Part):
    """The settings of one track."""

    input_gain_db: Annotated[float, _INPUT_GAIN] = 0.0
    gate: Gate = Gate()
    low_cut: LowCut = LowCut()
    high_cut: HighCut = HighCut()
    eq: Equalizer = Equalizer()
    compressor: Compressor = Compressor()
    deesser: DeEsser = DeEsser()
    saturation: Saturation = Saturation()
    fader_db: Annotated[
        float, Parameter("dB", -120, 60, "linear", 0, "gain behind them", "fader", with_gain="subtracts", is_level=True)
    ] = 0.0
    pan: Annotated[float, Parameter("", -1, 1, "linear", 0, "-1 left, 0 centre, 1 right", "pan")] = 0.0
    fx_send_db: Annotated[float, _send("fx bus")] = SEND_OFF_DB
    reverb_send_db: Annotated[float, _send("reverb")] = SEND_OFF_DB
    delay_send_db: Annotated[float, _send("delay")] = SEND_OFF_DB


class FxBand(Part):
    """One band of the reverb."""

    gain_db: Annotated[float, Parameter("dB", -60, 12, "linear", None, "level of the band in the reverb", "reverb")] = (
        0.0
    )
    decay_s: Annotated[float, Parameter("s", 0.05, 10, "log", None, "time to fall by 60 dB", "reverb")] = 1.2


# A bright plate, shorter in the lows and the air, is what a send is expected to open on.
_PLATE = tuple(
    FxBand(gain_db=gain_db, decay_s=decay_s)
    for gain_db, decay_s in zip(
        (-60, -24, -9, -4, -2, 0, 0, 0, -1, -3, -8, -14),
        (0.5, 0.7, 0.9, 1.1, 1.2, 1.3, 1.3, 1.1, 0.9, 0.8, 0.6, 0.4),
        strict=True,
    )
)


class FxBus(Part):
    """The reverb that the sends feed: noise, shaped in twelve bands; the same seed is the same room."""

    bands: tuple[FxBand, ...] = Field(_PLATE, min_length=len(FX_BAND_CENTRES_HZ), max_length=len(FX_BAND_CENTRES_HZ))
    return_gain_db: Annotated[
        float,
        Parameter("dB", SEND_OFF_DB, 12, "linear", None, "level of the reverb in the mix", "reverb", is_level=True),
    ] = 0.0
    seed: int = Field(1, ge=0, le=2**32 - 1, description="which room: the same number is the same reverb")


class Ducking(Part):
    """Turns an effect down while what feeds it is loud; range 0 is off."""

    threshold_db: Annotated[
        float, Parameter("dB", -120, 60, "linear", None, "level of the sends where it starts")
    ] = -40.0
    range_db: Annotated[float, Parameter("dB", 0, 24, "linear", 0, "the most it turns down; 0 is off")] = 0.0


class Reverb(Part):
    """A room: early reflections and a dense tail, the same for the same seed."""

    pre_delay_ms: Annotated[
        float, Parameter("ms", 0, 250, "linear", None, "silence before the room answers", "reverb")
    ] = 20.0
    decay_low_s: Annotated[
        float, Parameter("s", 0.1, 10, "log", None, "time to fall by 60 dB, below 250 Hz", "reverb")
    ] = 1.6
    decay_mid_s: Annotated[
        float, Parameter("s", 0.1, 10, "log", None, "time to fall by 60 dB, around 1 kHz", "reverb")
    ] = 1.5
    decay_high_s: Annotated[
        float, Parameter("s", 0.1, 10, "log", None, "time to fall by 60 dB, in the highs", "reverb")
    ] = 0.8
    damping_hz: Annotated[
        float, Parameter("Hz", 2000, 12000, "log", None, "where the decay of the highs is reached", "reverb")
    ] = 6000.0
    size: Annotated[
        float, Parameter("", 0, 1, "linear", None, "spacing of the first reflections: 0 chamber, 1 hall", "reverb")
    ] = 0.5
    width: Annotated[float, Parameter("", 0, 1, "linear", None, "0 mono, 1 left and right independent", "reverb")] = 1.0
    low_cut_hz: Annotated[
        float, Parameter("Hz", 20, 1000, "log", None, "what is below is cut from the return", "reverb")
    ] = 150.0
    high_cut_hz: Annotated[
        float, Parameter("Hz", 1000, 22000, "log", None, "what is above is cut from the return", "reverb")
    ] = 12000.0
    ducking: Ducking = Ducking()
    return_gain_db: Annotated[
        float,
        Parameter("dB", SEND_OFF_DB, 12, "linear", None, "level of the reverb in the mix", "reverb", is_level=True),
    ] = 0.0
    seed: int = Field(1, ge=0, le=2**32 - 1, description="which room: the same number is the same reverb")


class Delay(Part):
    """Echoes in time. With a note and a tempo the time follows from them."""

    time_ms: Annotated[float, Parameter("ms", 10, 2000, "log", None, "from one echo to the next", "delay")] = 375.0
    note: Note | None = Field(None, description="length of an echo as a note value; goes with tempo_bpm")
    tempo_bpm: float | None = Field(None, ge=20, le=400, allow_inf_nan=False, description="of the song")
    feedback: Annotated[
        float, Parameter("", 0, 0.95, "linear", None, "share of an echo that is echoed again", "delay")
    ] = 0.3
    ping_pong: Annotated[float, Parameter("", 0, 1, "linear", None, "1: echoes change sides", "delay")] = 0.0
    low_cut_hz: Annotated[
        float, Parameter("Hz", 20, 1000, "log", None, "what is below is weaker in each echo", "delay")
    ] = 150.0
    high_cut_hz: Annotated[
        float, Parameter("Hz", 500, 22000, "log", None, "what is above is weaker in each echo", "delay")
    ] = 5000.0
    reverb_send_db: Annotated[
        float,
        Parameter(
            "dB",
            SEND_OFF_DB,
            12,
            "level",
            SEND_OFF_DB,
            "send of the echoes to the reverb; -80 is off",
            "delay",
            is_level=True,
        ),
    ] = SEND_OFF_DB
    ducking: Ducking = Ducking()
    return_gain_db: Annotated[
        float, Parameter("dB", SEND_OFF_DB, 12, "linear", None, "level of the delay in the mix", "delay", is_level=True)
    ] = 0.0

    @property
    def echo_ms(self) -> float:
        """The time from one echo to the next: by note and tempo where both are set, held in the range of `time_ms`."""
        if self.note is None or self.tempo_bpm is None:
            return self.time_ms
        beats = NOTE_BEATS[self.note]
        return parameters(Delay)["time_ms"].clamp(60_000 / self.tempo_bpm * beats)


class Master(Part):
    """The settings of the stereo sum."""

    input_gain_db: Annotated[float, _INPUT_GAIN] = 0.0
    eq: Equalizer = Equalizer()
    match: MatchCurve = MatchCurve()
    compressor: Compressor = Compressor()
    output_gain_db: Annotated[
        float, Parameter("dB", -96, 96, "linear", 0, "gain behind them", "fader", with_gain="subtracts", is_level=True)
    ] = 0.0
