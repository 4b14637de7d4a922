"""Which sessions the corpus has, in which order and in which split: a list of jobs, the same for the same numbers.

A job's `song` names the piece of music behind it; no piece is in two splits, in no arrangement. Compositions and voices
of the test have seeds that training cannot reach, tunes of the test are a fixed list. The order is such that any
beginning of the list has all kinds in their shares, and the list for fewer hours is a beginning of that for more: a
model can be trained on what is there while the rest is being made.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from typing import Literal

from ...presets.errors import AudioError

Kind = Literal["tune", "composition", "voice"]
Split = Literal["train", "test"]

SESSION_SECONDS = 60.0
VOICE_SECONDS = (30.0, 60.0)
# Of the hours of training.
SHARES: dict[Kind, float] = {"composition": 0.50, "tune": 0.38, "voice": 0.12}
TEST_COUNTS: dict[Kind, int] = {"tune": 12, "composition": 14, "voice": 24}
# Held out since the first corpus, so that models can be compared over time.
HELD_OUT_TUNES = (
    "freedoom1_e1m1",
    "freedoom1_e2m3",
    "freedoom1_e2m4",
    "freedoom1_e3m7",
    "freedoom1_inter",
    "freedoom2_count2",
    "freedoom2_doom",
    "freedoom2_in_cit",
    "freedoom2_openin",
    "freedoom2_romer2",
    "freedoom2_shawn2",
    "freedoom2_ultima",
)
# In no split. Of all pairs of tunes only these two share more than 5 % of their eight-interval phrases with a held-out
# one (e1m5 with shawn2, shawn3 with romer2); introa has 10 s.
LEFT_OUT_TUNES = ("freedoom1_e1m5", "freedoom2_shawn3", "freedoom1_introa")
FIRST_TEST_SEED = 900_000
# Room for the seeds of one training corpus; another `--seed` uses the next.
SEEDS_A_CORPUS = 10_000
MOST_SEED = FIRST_TEST_SEED // SEEDS_A_CORPUS - 1
# Every so many jobs one of the test, until all of them are there.
_TEST_EVERY = 7


@dataclass(frozen=True)
class Job:
    """A session to be made.

    Attributes:
        kind: what it is made of.
        key: the tune's name; "own" for a composition; "lone" for a voice.
        seed: decides everything else about it.
        split: where it goes.
        seconds: its length.
        name: of its folder.
        song: the piece of music behind it; the same for all its arrangements.
    """

    kind: Kind
    key: str
    seed: int
    split: Split
    seconds: float
    name: str
    song: str


def plan(hours: float, seed: int, tunes: Sequence[str]) -> list[Job]:
    """Plans the jobs for so many hours of training, with those of the test among them.

    Args:
        hours: of training; the test has its fixed size.
        seed: another one gives another training corpus; 0 to `MOST_SEED`. The test is always the same.
        tunes: names of all tunes there are.

    Raises:
        AudioError: a held-out tune is missing, so that the test would be another.
    """
    missing = sorted(set(HELD_OUT_TUNES) - set(tunes))
    if missing:
        raise AudioError(f"freedoom lacks the tunes {', '.join(missing)}: use the package of Debian 12 (0.12.1).")
    rest = _test_jobs()
    jobs: list[Job] = []
    for job in _until(hours * 3600, _train_jobs(seed, tunes)):
        jobs.append(job)
        if rest and len(jobs) % _TEST_EVERY == _TEST_EVERY - 1:
            jobs.append(rest.pop(0))
    return jobs + rest


def _train_jobs(seed: int, tunes: Sequence[str]) -> Iterator[Job]:
    """Plans endless jobs; the kind that lacks most of its share comes next."""
    makers = {
        "composition": _compositions(seed * SEEDS_A_CORPUS, "train"),
        "tune": _arrangements(seed * SEEDS_A_CORPUS, sorted(set(tunes) - {*HELD_OUT_TUNES, *LEFT_OUT_TUNES})),
        "voice": _voices(seed * SEEDS_A_CORPUS, "train"),
    }
    planned_s = dict.fromkeys(SHARES, 0.0)
    while True:
        kind = min(SHARES, key=lambda one: planned_s[one] / SHARES[one])
        job = next(makers[kind])
        planned_s[kind] += job.seconds
        yield job


def _test_jobs() -> list[Job]:
    """Plans the held-out sessions, their kinds evenly mixed."""
    makers = {
        "tune": (_tune(key, FIRST_TEST_SEED, "test") for key in HELD_OUT_TUNES),
        "composition": _compositions(FIRST_TEST_SEED, "test"),
        "voice": _voices(FIRST_TEST_SEED, "test"),
    }
    placed = [
        ((index + 0.5) / number, kind, job)
        for kind, number in TEST_COUNTS.items()
        for index, job in enumerate(islice(makers[kind], number))
    ]
    return [job for _, _, job in sorted(placed, key=lambda row: row[:2])]


def _until(seconds: float, jobs: Iterator[Job]) -> Iterator[Job]:
    made = 0.0
    while made < seconds:
        job = next(jobs)
        made += job.seconds
        yield job


def _compositions(first_seed: int, split: Split) -> Iterator[Job]:
    for seed in count(first_seed):
        name = f"composition_{seed:06d}"
        yield Job("composition", "own", seed, split, SESSION_SECONDS, name, f"composition:{seed}")


def _voices(first_seed: int, split: Split) -> Iterator[Job]:
    for seed in count(first_seed):
        seconds = round(random.Random(f"voice {seed}").uniform(*VOICE_SECONDS), 1)
        yield Job("voice", "lone", seed, split, seconds, f"voice_{seed:06d}", f"voice:{seed}")


def _arrangements(first_seed: int, tunes: Sequence[str]) -> Iterator[Job]:
    """Gives every tune once, in a random order, then every tune in another arrangement, and so on."""
    for seed in count(first_seed):
        order = list(tunes)
        random.Random(f"tunes {seed}").shuffle(order)
        yield from (_tune(key, seed, "train") for key in order)


def _tune(key: str, seed: int, split: Split) -> Job:
    return Job("tune", key, seed, split, SESSION_SECONDS, f"tune_{key}_{seed:06d}", f"freedoom:{key}")
