"""Plug-ins of the user's on a desk's tracks: which of their parameters get which values, for its own stages.

The settings were fitted before (:mod:`...plugins.using.fitting`). What the desk itself has of these stages is switched
off where it is on; the part of a make-up that a plug-in cannot give goes to the fader.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ....presets.console import Compressor, Equalizer
from ....presets.errors import DeskError
from ....presets.preset import Preset, Track
from ....runtime.plugins.stage import PluginHosts
from ...desks.hosted.plugged import Plugged, plugged_key, slug
from ...desks.keys import is_plugged, section_of
from ...desks.profile import Desk, Setting
from ...fitting.abilities import Clamp
from ...fitting.compressor import FittedCompressor
from ...fitting.equalizer import FittedEq
from ...fitting.strip import FittedStrip
from ...plugins.using.choices import PluginChoices
from ...plugins.using.fitting import FittedPlugin, PluggedStage, fit_tracks
from ...plugins.using.shown import own_ranges
from ..plan import Plan, Row, StripPlan
from ..scope import TRACK, Scope

_RAW: Final = {"kind": "linear", "low": 0.0, "high": 1.0}


@dataclass(frozen=True)
class PushedPlugins:
    """The user's plug-ins of a push.

    Attributes:
        fits: stages of tracks, fitted.
        places: for a desk that does not tell: which of the track's plug-ins each is, from 1, by track and profile;
            those under "" are of all tracks.
        ranges: of parameters in the plug-in's own unit, by profile and parameter.
        file: that says so, for messages.
    """

    fits: tuple[PluggedStage, ...] = ()
    places: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    ranges: Mapping[str, Mapping[str, tuple[float, float]]] = field(default_factory=dict)
    file: str = "plugins.toml"

    def of(self, track: Track, preset: Preset) -> dict[str, PluggedStage]:
        """Give the stages of a track, by stage; linked tracks have those of the first of them."""
        names = {track.name}
        if track.link is not None:
            names |= {other.name for other in preset.tracks if other.link == track.link}
        return {fit.stage: fit for fit in self.fits if fit.track in names}

    def place(self, track: str, profile: str) -> int | None:
        """Tell which of a track's plug-ins one is."""
        for places in (self.places.get(track, {}), self.places.get("", {})):
            for name, place in places.items():
                if name.lower() == profile.lower():
                    return place
        return None


@dataclass(frozen=True)
class _Named:
    """A plug-in of a track with its name in keys."""

    name: str
    nth: int
    place: int | None
    stage: str
    item: FittedPlugin


def pushed_plugins(preset: Preset, choices: PluginChoices, sample_rate_hz: int) -> PushedPlugins:
    """Fit the user's plug-ins to a preset: those that are on this machine by their sound, others by their profiles.

    Raises:
        PluginError: one cannot be used.
    """
    content = choices.content
    places = {"": content.places} | {name: track.places for name, track in content.tracks.items()}
    with PluginHosts() as hosts:
        fits = tuple(fit_tracks(hosts, choices, preset.tracks, sample_rate_hz))
        here = {item.plugin.profile.name: item.plugin for fit in fits for item in fit.plugins if item.plugin.is_here}
        ranges = {
            name: own_ranges(plugin.profile, hosts.process_of(plugin.file).open(1, sample_rate_hz))
            for name, plugin in here.items()
        }
    return PushedPlugins(fits, places, ranges, choices.path.name)


def resting(preset: Preset, plugins: PushedPlugins) -> Preset:
    """Give the preset with stages at rest that stand on plug-ins, and what is missing behind those on the faders."""
    tracks = tuple(_at_rest(track, plugins.of(track, preset)) for track in preset.tracks)
    return preset.model_copy(update={"tracks": tracks})


def _at_rest(track: Track, fits: Mapping[str, PluggedStage]) -> Track:
    if not fits:
        return track
    neutral: dict[str, Any] = {"eq": Equalizer(), "compressor": Compressor()}
    fader_db = track.strip.fader_db + sum(fit.gain_db for fit in fits.values())
    changed = {stage: neutral[stage] for stage in fits} | {"fader_db": fader_db}
    return track.model_copy(update={"strip": track.strip.model_copy(update=changed)})


def with_plugins(desk: Desk, preset: Preset, plugins: PushedPlugins) -> Desk:
    """Give the desk with the user's plug-ins on its tracks.

    Raises:
        DeskError: it sets none, or has to be told where they are.
    """
    if not plugins.fits:
        return desk
    if desk.plugin_parameter is None:
        raise DeskError(
            f"{desk.title} sets no parameters of plug-ins; Ardour, Live and REAPER do (ardour://, ableton://, reaper://)."
        )
    found: dict[str, Plugged] = {}
    for track in preset.tracks:
        for named in _named(track, preset, desk, plugins):
            found[named.name] = _merged(found.get(named.name), _plugged(named, plugins, desk))
    return desk.with_plugged(found.values())


def with_plugged_rows(plan: Plan, preset: Preset, scope: Scope, plugins: PushedPlugins) -> Plan:
    """Give the plan with settings of plug-ins in the place of those of the desk's own stages.

    Args:
        plan: of the preset at rest, on the desk with the plug-ins.
        preset: itself.
        scope: what may be touched.
        plugins: of the user's.
    """
    if not plugins.fits:
        return plan
    strips = tuple(_on_plugins(strip, preset, plan.desk, scope, plugins) for strip in plan.strips)
    told = list(_told(plan, preset, scope, plugins))
    notes = [f"{fit.title}: {fit.loss}." for fit in told] + [note for fit in told for note in fit.notes]
    if told and _is_counted(plan.desk):
        notes.append(
            f"{plan.desk.title} does not tell which plug-ins its tracks have: the places in {plugins.file} are taken "
            "at their word, and parameters are counted as the plug-in lists them. Try one by ear first."
        )
    return replace(plan, strips=strips).with_notes(*dict.fromkeys(notes))


def _is_track(strip: StripPlan) -> bool:
    return strip.placed.kind == TRACK and strip.placed.how != "linked"


def _told(plan: Plan, preset: Preset, scope: Scope, plugins: PushedPlugins) -> Iterator[PluggedStage]:
    """The stages that are pushed, each once."""
    names = {strip.placed.track for strip in plan.strips if _is_track(strip)}
    placed = {fit.track for name in names for fit in plugins.of(preset.track(name), preset).values()}
    return (fit for fit in plugins.fits if fit.track in placed and fit.stage in scope.sections)


def _on_plugins(strip: StripPlan, preset: Preset, desk: Desk, scope: Scope, plugins: PushedPlugins) -> StripPlan:
    if not _is_track(strip):
        return strip
    track = preset.track(strip.placed.track)
    fits = {stage: fit for stage, fit in plugins.of(track, preset).items() if stage in scope.sections}
    return _with_rows(strip, track, preset, desk, plugins, fits) if fits else strip


def _with_rows(
    strip: StripPlan,
    track: Track,
    preset: Preset,
    desk: Desk,
    plugins: PushedPlugins,
    fits: Mapping[str, PluggedStage],
) -> StripPlan:
    own = [row for row in strip.rows if section_of(row.setting.key) not in fits]
    off = [Row(setting) for stage in fits for setting in _off(stage, strip, desk)]
    values: dict[str, float | str] = {}
    for named in _named(track, preset, desk, plugins):
        if named.stage in fits:
            values |= {plugged_key(key, named.name): value for key, value in _values(named).items()}
    settings: Sequence[Setting] = desk.settings(strip.placed.kind, strip.placed.number, values)
    rows = [Row(setting, is_fixed=desk.parameters(TRACK)[setting.key].constant is not None) for setting in settings]
    return replace(strip, fitted=_fitted(strip.fitted, fits, plugins, track, preset, desk), rows=(*own, *off, *rows))


def _off(stage: str, strip: StripPlan, desk: Desk) -> Iterator[Setting]:
    """What switches the desk's own stage off; a desk that cannot be asked might insert one for that."""
    key, kind = f"{stage}.on", strip.placed.kind
    if not desk.is_blind and desk.scale(kind, key) is not None:
        settings = desk.settings(kind, strip.placed.number, {key: 0.0})
        yield from (setting for setting in settings if setting.key == key)


def _fitted(
    fitted: FittedStrip,
    fits: Mapping[str, PluggedStage],
    plugins: PushedPlugins,
    track: Track,
    preset: Preset,
    desk: Desk,
) -> FittedStrip:
    """How near the plug-ins come, as a plan tells it of the desk's own stages."""
    eq, compressor, clamped = fitted.eq, fitted.compressor, list(fitted.clamped)
    for stage, fit in fits.items():
        clamped = [clamp for clamp in clamped if section_of(clamp.key) != stage]
        if fit.eq is not None:
            curves = (fit.eq.freqs_hz, fit.eq.wanted_db, fit.eq.given_db)
            eq = FittedEq({}, *curves, fit.eq.mean_db, fit.eq.max_db)
        if fit.compressor is not None:
            named = next(item for item in _named(track, preset, desk, plugins) if item.stage == stage)
            clamps = tuple(_renamed(clamp, named.name) for clamp in fit.compressor.clamped)
            clamped += clamps
            compressor = FittedCompressor({}, fit.compressor.curve_error_db, clamps, fit.gain_db)
    return replace(fitted, eq=eq, compressor=compressor, clamped=tuple(clamped))


def _renamed(clamp: Clamp, name: str) -> Clamp:
    return replace(clamp, key=plugged_key(clamp.key, name))


def _named(track: Track, preset: Preset, desk: Desk, plugins: PushedPlugins) -> Iterator[_Named]:
    """Name a track's plug-ins, in the order of the sound; several alike are counted.

    Raises:
        DeskError: the desk has to be told where one is, and is not.
    """
    counts: dict[str, int] = {}
    for fit in plugins.of(track, preset).values():
        for item in fit.plugins:
            title = item.plugin.profile.name
            nth = counts[title] = counts.get(title, 0) + 1
            place = plugins.place(track.name, title) if _is_counted(desk) else None
            if _is_counted(desk) and place is None:
                raise DeskError(
                    f"{desk.title} does not tell where {title} is on {track.name}: say which of the track's effects it "
                    f'is, from 1, in {plugins.file}: [places] "{title}" = 1'
                )
            words = slug(title) + (f"_{nth}" if nth > 1 else "") + (f"_at_{place}" if place is not None else "")
            yield _Named(words, nth, place, fit.stage, item)


def _plugged(named: _Named, plugins: PushedPlugins, desk: Desk) -> Plugged:
    profile = named.item.plugin.profile
    ranges = plugins.ranges.get(profile.name, {})
    listed = named.item.state.values if named.item.plugin.is_here else ()
    numbers = {name: number for number, name in enumerate(listed, 1)}
    entries: list[dict[str, Any]] = []
    for key, name in profile.settings.items():
        if key.partition(".")[0] != named.stage:
            continue
        parameter = profile.parameters[name]
        number = numbers.get(name) or (None if parameter.index is None else parameter.index + 1)
        entries.append(
            {
                "key": plugged_key(key, named.name),
                "label": parameter.label or name,
                "number": number,
                "scale": parameter.scale,
                "own": ranges.get(name),
            }
        )
    for name, raw in profile.fixed.items():
        key = plugged_key(f"{named.stage}.fixed.{slug(name)}_raw", named.name)
        entries.append(
            {
                "key": key,
                "label": name,
                "number": numbers.get(name),
                "scale": _RAW,
                "own": ranges.get(name),
                "constant": raw,
            }
        )
    if _is_counted(desk):
        unknown = [str(entry["label"]) for entry in entries if entry["number"] is None]
        if unknown:
            raise DeskError(
                f"{profile.title}: nobody knows which of its parameters {', '.join(unknown[:3])} is, by number. "
                "Install the plug-in on this machine, too: then they are counted."
            )
    return Plugged.model_validate(
        {
            "name": named.name,
            "title": profile.name,
            "nth": named.nth,
            "place": named.place,
            "parameters": tuple(entries),
        }
    )


def _merged(known: Plugged | None, other: Plugged) -> Plugged:
    """Join what a plug-in is on several tracks: on one the EQ, on another the compressor of a channel strip."""
    if known is None:
        return other
    parameters = {item.key: item for item in (*known.parameters, *other.parameters)}
    return known.model_copy(update={"parameters": tuple(parameters.values())})


def _values(named: _Named) -> dict[str, float | str]:
    """What its settings get: as fitted, and nothing of bands that are not needed."""
    own: Iterable[tuple[str, float | str]] = named.item.values.items()
    return {key: value for key, value in own if key in named.item.plugin.profile.settings and not is_plugged(key)}


def _is_counted(desk: Desk) -> bool:
    return desk.plugin_parameter is not None and desk.plugin_parameter.is_counted
