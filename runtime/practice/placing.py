"""Where tracks stand between left and right: what carries a mix in the middle, pairs mirrored, the rest in balance.

Sides are chosen so that left and right are equally loud, in all and in each band, and tracks of one role alternate.
How wide it gets follows the reference.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from ...presets.roles import Role
from .levels import usual_levels
from .sounds import Powers, RoleSound, lean_db, mix_powers, sides_db
from .tail import Tail

Pans = dict[str, float]

# A single track of these stands in the middle too: a pair of them is one picture of the drums.
_CENTRED_ALONE: Final[frozenset[Role]] = frozenset({"overhead", "room", "effect"})
# A single track further out than this sounds as if it had lost its partner.
_MOST_ALONE: Final = 0.95
_USUAL_ALONE: Final = 0.6
_MOST_PAIRED: Final = 1.0
_LEAST_PAIRED: Final = 0.4
# From left to right, and no further than nine in ten engineers go.
_TOMS: Final = 0.5
_MOST_TOMS: Final = 0.65
_DOUBLES: Final = 0.5
# How many signs are tried in all combinations; the rest is put where it balances best, one after the other.
_ALL_WAYS: Final = 9
# How far the sides may differ, and how finely widths are tried.
_EVEN_DB: Final = 0.25
_WIDTHS: Final = tuple(float(width) for width in np.geomspace(0.25, 2.1, 28))
# What has its middle above this stands in the highs alone.
_BRIGHT_HZ: Final = 3000.0
# Weights of what a choice of sides is judged by, against 1 dB of lean, squared.
_BAND_WEIGHT: Final = 0.02
_MOST_BAND_DB: Final = 10.0
_ALTERNATE_WEIGHT: Final = 1.0
_SIDE_WEIGHT: Final = 0.5
# A wish for a side counts from here on: what a model says of a track it is unsure of differs from passage to passage.
_FIRM_SIDE: Final = 0.4
# What speaks for one of two mirrored pictures has to speak so loud.
_TURNED: Final = 0.4
# What is low is not placed: its share of the power below 120 Hz takes it to the middle.
_LOW_SHARE: Final = 0.3


@dataclass(frozen=True)
class StereoPicture:
    """What placing goes by.

    Attributes:
        pairs: names of tracks that mirror each other, left and right.
        lean_db: how much louder the right should be than the left.
        sides_db: how loud the sides should be against the middle, by band from 120 Hz up; None for what engineers do.
        sides: where something speaks for a side of a track: -1 left to 1 right.
        tail: how the reference's notes fall silent; None where nobody looked.
        density_db: how far the reference's peaks stand above its loudness; None where nobody looked.
    """

    pairs: tuple[tuple[str, str], ...] = ()
    lean_db: float = 0.0
    sides_db: Powers | None = None
    sides: Mapping[str, float] = field(default_factory=dict)
    tail: Tail | None = None
    density_db: float | None = None


@dataclass(frozen=True)
class _Item:
    """One source, on one track or several, or a pair that mirrors itself, with how far out it stands.

    Its sign is to be chosen where it is free.
    """

    names: tuple[str, ...]
    amount: float
    role: Role | None
    is_free: bool = True
    is_pair: bool = False

    def pans(self, sign: float, width: float) -> Pans:
        """The pans of its tracks on this side, at this width."""
        if self.is_pair:
            amount = min(_MOST_PAIRED, max(_LEAST_PAIRED * min(1.0, 2 * width), self.amount * width))
            return dict(zip(self.names, (sign * amount, -sign * amount), strict=True))
        most = _MOST_ALONE if self.is_free else _MOST_TOMS
        return dict.fromkeys(self.names, sign * max(-most, min(most, self.amount * width)))


def place(sounds: Sequence[RoleSound], levels_db: Mapping[str, float], stage: StereoPicture) -> Pans:
    """Pans of all tracks.

    Sides are chosen by the levels that are usual for the roles, not by those of this mix: another passage, or another
    reference, must not turn a mix over. How far out tracks stand is balanced at the levels of the mix.

    Args:
        sounds: the tracks.
        levels_db: loudness of each in the mix.
        stage: pairs, the reference's width and lean, and what speaks for sides.
    """
    items = _items(sounds, stage.pairs)
    centre = {sound.name: 0.0 for sound in sounds}
    signs = _signs(items, sounds, usual_levels(sounds), stage)
    bright = {index for index, item in enumerate(items) if _is_bright(item, sounds)}

    def placed(width: float, bright_width: float) -> tuple[float, Pans]:
        pans = dict(centre)
        for index, (item, sign) in enumerate(zip(items, signs, strict=True)):
            pans.update(item.pans(sign, bright_width if index in bright else width))
        pans = _balanced(pans, items, sounds, levels_db, stage.lean_db)
        if stage.sides_db is None:
            return 0.0, pans
        return float(np.abs(sides_db(*mix_powers(sounds, levels_db, pans)) - stage.sides_db).mean()), pans

    _, pans = _widest_fit(placed, bool(bright)) if stage.sides_db is not None else placed(1.0, 1.0)
    return {name: round(pan, 3) + 0.0 for name, pan in pans.items()}


def _widest_fit(placed: Callable[[float, float], tuple[float, Pans]], has_bright: bool) -> tuple[float, Pans]:
    """The widths at which the sides are nearest to those wanted: one for all, then one of its own for what is bright.

    Hats stand alone in the highs: how far out they are, no other width of a mix depends on.
    """
    width = _nearest(lambda tried: placed(tried, tried)[0])
    if not has_bright:
        return placed(width, width)
    bright_width = _nearest(lambda tried: placed(width, tried)[0], width)
    return placed(width, bright_width)


def _nearest(error: Callable[[float], float], start: float | None = None) -> float:
    """The width with the least error; the first of those that are alike, or the one to start from."""
    widths = _WIDTHS if start is None else (start, *_WIDTHS)
    errors = [error(width) for width in widths]
    least = min(errors)
    return next(width for width, found in zip(widths, errors, strict=True) if found <= least + 1e-9)


def _is_bright(item: _Item, sounds: Sequence[RoleSound]) -> bool:
    return all(sound.centroid_hz > _BRIGHT_HZ for sound in sounds if sound.name in item.names)


def sides_missing_db(
    sounds: Sequence[RoleSound], levels_db: Mapping[str, float], pans: Mapping[str, float], stage: StereoPicture
) -> float:
    """How much softer the sides of a mix are against the middle than wanted, from 400 Hz up; 0 where nothing is."""
    if stage.sides_db is None:
        return 0.0
    return float((stage.sides_db - sides_db(*mix_powers(sounds, levels_db, pans)))[1:].mean())


def _items(sounds: Sequence[RoleSound], pairs: Sequence[tuple[str, str]]) -> list[_Item]:
    by_name = {sound.name: sound for sound in sounds}
    paired = {name for pair in pairs for name in pair}
    items = []
    for left, right in pairs:
        if left in by_name and right in by_name:
            one, other = by_name[left], by_name[right]
            if one.is_mono and other.is_mono:
                items.append(_Item((right, left), _pair_amount(one), one.role, is_free=False, is_pair=True))
    counts = Counter(sound.role for sound in sounds)
    single = [
        sound
        for sound in sounds
        if sound.name not in paired and sound.is_mono and not _is_centred(sound, counts[sound.role])
    ]
    toms = sorted((sound for sound in single if sound.role == "tom"), key=lambda sound: -sound.centroid_hz)
    if len(toms) > 1:
        places = np.linspace(-_TOMS, _TOMS, len(toms))
        items += [_Item((tom.name,), float(at), "tom", is_free=False) for tom, at in zip(toms, places, strict=True)]
        single = [sound for sound in single if sound.role != "tom"]
    return items + [_together(same) for same in _by_source(single)]


def _by_source(sounds: Sequence[RoleSound]) -> list[list[RoleSound]]:
    groups: dict[str, list[RoleSound]] = {}
    for sound in sounds:
        groups.setdefault(sound.source, []).append(sound)
    return list(groups.values())


def _together(sounds: Sequence[RoleSound]) -> _Item:
    """What stands in one place: a source, with all of its microphones."""
    names = tuple(sound.name for sound in sounds)
    return _Item(names, min(_alone_amount(sound) for sound in sounds), sounds[0].role)


def _is_centred(sound: RoleSound, count: int) -> bool:
    if sound.role == "lead synth" and count > 1:  # two of them share the space
        return False
    return sound.trait.is_centred or sound.role in _CENTRED_ALONE or (sound.trait.has_lows and sound.role != "tom")


def _pair_amount(sound: RoleSound) -> float:
    return _DOUBLES if sound.trait.is_centred else sound.practice.pan[1]


def _alone_amount(sound: RoleSound) -> float:
    low_share = float(sound.left[0] + sound.right[0])
    usual = sound.practice.pan[1] if sound.role == "lead synth" else sound.practice.pan[0]
    return min(usual, _USUAL_ALONE) * max(0.0, 1 - low_share / _LOW_SHARE)


def _signs(
    items: Sequence[_Item], sounds: Sequence[RoleSound], levels_db: Mapping[str, float], stage: StereoPicture
) -> list[float]:
    """The side of each item: -1 or 1; 1 where it is given."""
    free = sorted(
        (index for index, item in enumerate(items) if item.is_free and item.amount > 0),
        key=lambda index: -max(levels_db[name] for name in items[index].names),
    )
    signs = [1.0] * len(items)
    by_name = {sound.name: sound for sound in sounds}
    # Powers by band on both sides: of what stands already, and of each free item on the right (the left mirrors it).
    fixed = {sound.name: 0.0 for sound in sounds}
    for item in items:
        fixed.update(item.pans(1.0, 1.0) if not item.is_free else {})
    names = {name for index in free for name in items[index].names}
    left, right, _ = mix_powers([sound for sound in sounds if sound.name not in names], levels_db, fixed)
    moving = []
    for index in free:
        pans = items[index].pans(1.0, 1.0)
        own_left, own_right, _ = mix_powers([by_name[name] for name in pans], levels_db, pans)
        moving.append((own_left, own_right))
    chosen: list[float] = []
    ahead = min(len(free), _ALL_WAYS)
    if ahead:
        ways = [list(way) for way in itertools.product((-1.0, 1.0), repeat=ahead)]
        chosen = min(ways, key=lambda way: _cost(way, free, items, (left, right), moving, stage))
        chosen = _first_by_name(chosen, free, items, lambda way: _cost(way, free, items, (left, right), moving, stage))
    for _ in free[ahead:]:
        more = ([*chosen, sign] for sign in (-1.0, 1.0))
        chosen = min(more, key=lambda way: _cost(way, free, items, (left, right), moving, stage))
    for index, sign in zip(free, chosen, strict=True):
        signs[index] = sign
    return signs


def _first_by_name(
    way: list[float], free: Sequence[int], items: Sequence[_Item], cost: Callable[[Sequence[float]], float]
) -> list[float]:
    """Choose between a way and its mirror image, where nothing speaks for either: the first by name stands right."""
    turned = [-sign for sign in way]
    if abs(cost(way) - cost(turned)) > _TURNED:
        return way
    first = min(range(len(way)), key=lambda place: items[free[place]].names)
    return way if way[first] > 0 else turned


def _cost(
    way: Sequence[float],
    free: Sequence[int],
    items: Sequence[_Item],
    fixed: tuple[Powers, Powers],
    moving: Sequence[tuple[Powers, Powers]],
    stage: StereoPicture,
) -> float:
    """What is wrong with a choice of sides."""
    left, right = fixed[0].copy(), fixed[1].copy()
    by_role: dict[Role | None, list[float]] = {}
    wishes = 0.0
    for sign, index, (own_left, own_right) in zip(way, free, moving, strict=False):
        left += own_left if sign > 0 else own_right
        right += own_right if sign > 0 else own_left
        by_role.setdefault(items[index].role, []).append(sign)
        wishes += sign * _firm(stage.sides.get(items[index].names[0], 0.0))
    # In each band what is placed faces each other; what stands in the middle is no counterweight there.
    free_left, free_right = left - fixed[0], right - fixed[1]
    floor = 1e-3 * (free_left.sum() + free_right.sum()) + 1e-15
    bands_db = 10 * np.log10((free_right + floor) / (free_left + floor))
    alternation = sum(abs(sum(signs)) - len(signs) % 2 for signs in by_role.values())
    lean = lean_db(left, right) - round(stage.lean_db)  # steps: it differs from passage to passage of a reference
    return float(
        lean**2 + _BAND_WEIGHT * np.minimum(np.square(bands_db - stage.lean_db), _MOST_BAND_DB**2).mean()
        + _ALTERNATE_WEIGHT * alternation - _SIDE_WEIGHT * wishes
    )  # fmt: skip


def _firm(side: float) -> float:
    return math.copysign(max(0.0, abs(side) - _FIRM_SIDE) / (1 - _FIRM_SIDE), side)


def _balanced(
    pans: Pans,
    items: Sequence[_Item],
    sounds: Sequence[RoleSound],
    levels_db: Mapping[str, float],
    wanted_db: float,
) -> Pans:
    """Draw in what stands alone on the louder side, as far as the sides need it."""
    alone = {name for item in items if item.is_free for name in item.names}

    def drawn_in(share: float) -> Pans:
        return {name: pan * share if name in alone and pan * heavy > 0 else pan for name, pan in pans.items()}

    def lean(tried: Mapping[str, float]) -> float:
        left, right, _ = mix_powers(sounds, levels_db, tried)
        return lean_db(left, right) - wanted_db

    first = lean(pans)
    heavy = float(np.sign(first))
    if abs(first) <= _EVEN_DB or not alone:
        return pans
    low, high = 0.0, 1.0
    for _ in range(12):
        middle = (low + high) / 2
        if lean(drawn_in(middle)) * heavy > _EVEN_DB:
            high = middle
        else:
            low = middle
    return drawn_in(low)
