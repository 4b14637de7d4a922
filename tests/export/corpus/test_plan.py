import random
from collections import Counter, defaultdict

import pytest
from mixbridge.export.corpus.plan import (
    FIRST_TEST_SEED,
    HELD_OUT_TUNES,
    LEFT_OUT_TUNES,
    MOST_SEED,
    SHARES,
    TEST_COUNTS,
    plan,
)
from mixbridge.presets.errors import AudioError

# As many as Freedoom has.
TUNES = [*HELD_OUT_TUNES, *LEFT_OUT_TUNES, *(f"freedoom2_tune{number}" for number in range(51))]


def seconds_by_kind(jobs):
    found = Counter()
    for job in jobs:
        found[job.kind] += job.seconds
    return found


def train(jobs):
    return [job for job in jobs if job.split == "train"]


@pytest.mark.parametrize("seed", [0, 1, MOST_SEED])
@pytest.mark.parametrize("hours", [0.2, 10, 60])
def test_no_song_is_in_two_splits(hours, seed):
    jobs = plan(hours, seed, TUNES)
    splits = defaultdict(set)
    for job in jobs:
        splits[job.song].add(job.split)
        if job.kind == "tune":
            assert job.song == f"freedoom:{job.key}"
            assert (job.split == "test") == (job.key in HELD_OUT_TUNES)
            assert job.key not in LEFT_OUT_TUNES
        else:
            # Whatever a builder draws from a seed differs between the splits because the seeds do.
            assert (job.split == "test") == (job.seed >= FIRST_TEST_SEED)
    assert {len(found) for found in splits.values()} == {1}
    assert len({job.name for job in jobs}) == len(jobs)


def test_every_training_seed_has_songs_of_its_own():
    mine, others = (
        {job.song for job in train(plan(60, seed, TUNES)) if job.kind != "tune"} for seed in (MOST_SEED, MOST_SEED - 1)
    )
    assert not mine & others


def test_the_test_is_always_the_same():
    def held_out(hours, seed):
        return [job for job in plan(hours, seed, TUNES) if job.split == "test"]

    assert Counter(job.kind for job in held_out(10, 1)) == TEST_COUNTS
    assert held_out(10, 1) == held_out(0.1, 7)
    assert {job.key for job in held_out(10, 1) if job.kind == "tune"} == set(HELD_OUT_TUNES)


def test_hours_and_shares():
    found = seconds_by_kind(train(plan(10, 1, TUNES)))
    total = sum(found.values())
    assert 36000 <= total < 36060
    assert {kind: found[kind] / total for kind in SHARES} == pytest.approx(SHARES, abs=0.005)


@pytest.mark.parametrize("minutes", [30, 75, 300])
def test_any_beginning_is_a_good_mix(minutes):
    beginning = train(plan(10, 1, TUNES))[:minutes]
    found = seconds_by_kind(beginning)
    total = sum(found.values())
    assert {kind: found[kind] / total for kind in SHARES} == pytest.approx(SHARES, abs=0.05)


def test_the_test_is_complete_before_half_of_the_training():
    jobs = plan(10, 1, TUNES)
    last = max(index for index, job in enumerate(jobs) if job.split == "test")
    assert len(train(jobs[:last])) < len(train(jobs)) / 2


def test_fewer_hours_are_a_beginning_of_more():
    few, many = train(plan(2, 3, TUNES)), train(plan(5, 3, TUNES))
    assert many[: len(few)] == few


def test_order_of_tunes_does_not_matter():
    mixed = list(TUNES)
    random.Random(0).shuffle(mixed)
    assert plan(3, 1, mixed) == plan(3, 1, TUNES)


def test_tunes_come_again_in_other_arrangements_only():
    arrangements = [(job.key, job.seed) for job in plan(10, 1, TUNES) if job.kind == "tune"]
    assert len(set(arrangements)) == len(arrangements)
    found = Counter(key for key, _ in arrangements if key not in HELD_OUT_TUNES)
    assert max(found.values()) - min(found.values()) <= 1
    assert min(found.values()) >= 4


def test_voices_are_half_a_minute_to_a_minute():
    lengths = {job.seconds for job in plan(10, 1, TUNES) if job.kind == "voice"}
    assert 30 <= min(lengths) < 35
    assert 55 < max(lengths) <= 60


def test_a_missing_held_out_tune_is_told():
    with pytest.raises(AudioError, match=HELD_OUT_TUNES[3]):
        plan(1, 1, [tune for tune in TUNES if tune != HELD_OUT_TUNES[3]])
