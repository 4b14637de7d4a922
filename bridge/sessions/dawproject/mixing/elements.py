"""Elements of what a mix adds to a project, and back: sends, effect channels, tracks of groups and of rendered returns.

The format has no device for a reverb or a delay. An effect channel with a mix's sends would pass them on dry, so it is
muted until the user puts an effect there; what the mix has is on a track beside it, as audio.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element, SubElement

from .....presets.console import SEND_OFF_DB, Delay, Reverb, Strip, parameters
from .....presets.names import free_name
from .....presets.preset import GroupBus, Preset, Track
from .....presets.units import decibels, quantity
from .....runtime.console.effects.buses import DELAY, FX_BUS, REVERB
from ...core.model import Session
from ...core.moving import sends_open
from ...core.returned import MARK, TITLES, ReturnAudio, is_return_audio_name
from ...core.sends import SENDS, send_levels_db, used_effects
from ..devices import LOUDEST_FADER, cut_hz_of, cuts_element, mute_element, pan_element, volume_element
from ..mixer import MixerTrack, Project, fader_db, parameter_level
from ..xml import is_true

EFFECT_NAMES: Final = {effect: title + MARK for effect, title in TITLES.items()}
_PACKED: Final = "audio/{}.wav"
_EFFECTS: Final = {name: effect for effect, name in EFFECT_NAMES.items()}


class ProjectIds:
    """Ids for what is new: none that the project has."""

    def __init__(self, root: Element):
        self._taken = {element.get("id") for element in root.iter()}
        self._count = 0

    def fresh(self) -> str:
        """Return the next one."""
        while True:
            self._count += 1
            name = f"mixbridge{self._count}"
            if name not in self._taken:
                return name


@dataclass(frozen=True)
class MixBuses:
    """The buses of a mix that anything goes to.

    Attributes:
        groups: by name.
        effects: names of `runtime.console.effects.buses.BUSES`.
        preset: the mix.
    """

    groups: Mapping[str, GroupBus]
    effects: tuple[str, ...]
    preset: Preset

    @classmethod
    def of(cls, preset: Preset, tracks: Iterable[Track]) -> MixBuses:
        """Find the buses that some tracks of a mix go to, and send to."""
        present = list(tracks)
        names = {track.bus for track in present}
        groups = {group.name: group for group in preset.buses if group.name in names}
        owners: list[Track | GroupBus] = [*present, *groups.values()]
        strips = [sends_open(owner.strip, owner.lanes) for owner in owners]
        return cls(groups, used_effects(map(send_levels_db, strips), preset.delay), preset)

    def return_db(self, effect: str) -> float:
        """Return how loud an effect comes back."""
        if effect == REVERB:
            return self.preset.reverb.return_gain_db
        return self.preset.delay.return_gain_db if effect == DELAY else self.preset.fx_bus.return_gain_db

    def sends_of_return_db(self, effect: str) -> dict[str, float]:
        """Return the levels of the sends of an effect's return: echoes may go to the reverb."""
        level_db = self.preset.delay.reverb_send_db if effect == DELAY else SEND_OFF_DB
        return {REVERB: level_db} if level_db > SEND_OFF_DB else {}


def staying(session: Session, chosen: Mapping[int, Track]) -> list[int]:
    """List the tracks that groups of the session still act on: those of the mix's groups leave them, but for VCAs."""
    return [place for place, track in chosen.items() if track.bus is None or session.tracks[place].controls]


def with_sends(strip: Strip, levels_db: Mapping[str, float]) -> Strip:
    """Give a strip sends of these levels, by effect."""
    table = parameters(Strip)
    return strip.model_copy(
        update={SENDS[effect]: table[SENDS[effect]].clamp(level_db) for effect, level_db in levels_db.items()}
    )


def send_element(effect: str, destination: str, level_db: float) -> Element:
    """Make a send behind the fader."""
    send = Element("Send", destination=destination, name=EFFECT_NAMES[effect], type="post")
    SubElement(send, "Enable", value="true")
    send.append(volume_element(min(level_db, decibels(LOUDEST_FADER))))
    return send


def send_held(effect: str, level_db: float) -> Iterator[str]:
    """Say that a send is louder than the format's go."""
    most_db = decibels(LOUDEST_FADER)
    if level_db > most_db:
        yield f"its send to {EFFECT_NAMES[effect]} of {level_db:+.1f} dB becomes {most_db:+.1f} dB."


def own_sends(channel: Element, effects: Collection[str]) -> list[Element]:
    """List the sends of a channel that a mix put there; a DAW may have dropped their names, but not where they go.

    Args:
        channel: which.
        effects: ids of the channels of a mix's effects.
    """
    sends = channel.iterfind("Sends/Send")
    return [send for send in sends if send.get("name") in _EFFECTS or send.get("destination") in effects]


def effect_channels(project: Project) -> dict[str, str]:
    """List the effects of a mix in a project, by the ids of their channels."""
    found = {}
    for track in project.mixer:
        effect = effect_of(track)
        if effect is not None and track.channel is not None and (identity := track.channel.get("id")):
            found[identity] = effect
    return found


def sends_of(channel: Element, effects: Mapping[str, str]) -> dict[str, float]:
    """Read the levels of a channel's sends to a mix's effects; `effects` by id of their channel."""
    levels: dict[str, float] = {}
    for send in channel.iterfind("Sends/Send"):
        effect = effects.get(send.get("destination", ""))
        level = parameter_level(send.find("Volume"))
        if effect is not None and level > 0 and is_true(send.find("Enable"), "value", True):
            levels[effect] = decibels(level)
    return levels


def is_own(track: MixerTrack) -> bool:
    """Tell whether a mix has added this track: a group, an effect channel, or a rendered return."""
    if track.role == "submix":
        return track.name.endswith(MARK)
    return track.name in _EFFECTS if track.role == "effect" else is_return_audio_name(track.name)


def effect_of(track: MixerTrack) -> str | None:
    """Tell which effect of a mix a track is the return of; None if it is none."""
    return _EFFECTS.get(track.name) if track.role == "effect" else None


def effect_devices(effect: str, preset: Preset) -> tuple[Element, ...]:
    """Make the devices of an effect channel: the cuts of the reverb's return."""
    if effect != REVERB:
        return ()
    return (cuts_element(preset.reverb.low_cut_hz, preset.reverb.high_cut_hz),)


def reverb_of(channel: Element) -> Reverb:
    """Read what of the reverb an effect channel says."""
    table = parameters(Reverb)
    values = {"return_gain_db": fader_db(channel)}
    device = next(iter(channel.iterfind("Devices/Equalizer")), None)
    for name, freq_hz in () if device is None else cut_hz_of(device):
        values[name] = freq_hz
    return Reverb(**{name: table[name].clamp(value) for name, value in values.items()})


def delay_of(channel: Element, effects: Mapping[str, str]) -> Delay:
    """Read what of the delay an effect channel says; `effects` by id of their channel."""
    table = parameters(Delay)
    levels = {"return_gain_db": fader_db(channel)}
    sent = sends_of(channel, effects)
    if REVERB in sent:
        levels["reverb_send_db"] = sent[REVERB]
    return Delay(**{name: table[name].clamp(level_db) for name, level_db in levels.items()})


def new_channel(role: str, identity: str, destination: str | None) -> Element:
    """Make an empty stereo channel."""
    channel = Element("Channel", audioChannels="2", role=role, solo="false", id=identity)
    if destination:
        channel.set("destination", destination)
    return channel


def filled(
    channel: Element, devices: Iterable[Element], fader_db: float, pan: float, *, mute: bool, sends: Iterable[Element]
) -> Element:
    """Give a new channel what it has, in the format's order."""
    chain, sent = Element("Devices"), Element("Sends")
    chain.extend(devices)
    sent.extend(sends)
    channel.extend((chain, mute_element(mute), pan_element(pan)))
    if len(sent):
        channel.append(sent)
    channel.append(volume_element(min(fader_db, decibels(LOUDEST_FADER))))
    return channel


def track_of(channel: Element, name: str, identity: str, content: str = "audio") -> Element:
    """Make the track of a channel."""
    track = Element("Track", contentType=content, loaded="true", id=identity, name=name)
    track.append(channel)
    return track


def return_clips(item: ReturnAudio, path: str) -> Element:
    """Make the clips of a rendered return, from the beginning to the end of its file.

    Args:
        item: which.
        path: of its file in the zip.
    """
    length = repr(item.frames / item.sample_rate_hz)
    clips = Element("Clips")
    clip = SubElement(
        clips,
        "Clip",
        time="0.0",
        duration=length,
        contentTimeUnit="seconds",
        playStart="0.0",
        fadeTimeUnit="seconds",
        fadeInTime="0.0",
        fadeOutTime="0.0",
        name=item.track_name,
    )
    rate_hz = str(item.sample_rate_hz)
    audio = SubElement(clip, "Audio", timeUnit="seconds", duration=length, sampleRate=rate_hz, channels="2")
    SubElement(audio, "File", path=path, external="false")
    return clips


def packed_path(effect: str, taken: Collection[str] = ()) -> str:
    """Tell where in a project's zip a rendered return lies, under a name that is not taken."""
    return _PACKED.format(free_name(f"mixbridge {effect}", {_bare(path) for path in taken}))


def own_paths(root: Element) -> set[str]:
    """List the files of a project that are called as rendered returns are."""
    paths = {file.get("path", "") for file in root.iter("File")}
    return {path for path in paths if any(_bare(path).startswith(f"mixbridge {effect}") for effect in TITLES)}


def effect_words(effect: str, preset: Preset, *, rendered: bool) -> str:
    """Say what an effect channel is for."""
    name = EFFECT_NAMES[effect]
    reverb, delay = preset.reverb, preset.delay
    wanted = {
        FX_BUS: "a reverb in twelve bands",
        REVERB: f"a reverb of {quantity(reverb.decay_mid_s, 's')} after {quantity(reverb.pre_delay_ms, 'ms')}",
        DELAY: f"a delay of {quantity(delay.echo_ms, 'ms')} with feedback {delay.feedback:g}",
    }[effect]
    beside = f", and mute {TITLES[effect]} return{MARK}" if rendered else ""
    return (
        f"{name}: the format has no such effect, so this channel takes the sends and is muted; to have one that "
        f"follows the faders, put {wanted} there, unmute the channel{beside}."
    )


def _bare(path: str) -> str:
    """Return the name of a file in the folder of audio, without folder and ending."""
    start, end = _PACKED.split("{}")
    return path.removeprefix(start).removesuffix(end)
