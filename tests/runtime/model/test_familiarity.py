"""What a model has learned from: how far new material lies, and that a bundle's account of it is checked."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from mixbridge.presets.errors import ModelError
from mixbridge.runtime.model.bundle import FAMILIARITY, MANIFEST, open_bundle
from mixbridge.runtime.model.familiarity import Familiarity, Territory, load_familiarity

# Two directions: a spread of 3 along the first, 1 along the second; nothing but 0.1 beside them.
AXES = np.array([[1 / 3, 0, 0, 0], [0, 1, 0, 0]], np.float32)
KNOWN = Territory(2, np.array([1, 2, 3, 4], np.float32), AXES, 0.1, np.linspace(0, 2, 101, dtype=np.float32))


def embedding(*statistics: float) -> np.ndarray:
    return np.array([9, 9, *statistics, 7], np.float32)


def put(folder: Path, data: bytes) -> None:
    (folder / FAMILIARITY).write_bytes(data)
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["sha256"][FAMILIARITY] = hashlib.sha256(data).hexdigest()
    (folder / MANIFEST).write_text(json.dumps(manifest))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = Path(shutil.copytree(open_bundle().folder, tmp_path / "model"))
    put(copy, Familiarity(KNOWN, KNOWN).dumps())
    return copy


class TestTerritory:
    def test_the_middle_is_near_and_spreads_count(self) -> None:
        assert KNOWN.distance(embedding(1, 2, 3, 4)) == 0
        along, across = embedding(1 + 3, 2, 3, 4), embedding(1, 2 + 1, 3, 4)
        assert KNOWN.distance(along) == pytest.approx(KNOWN.distance(across), rel=1e-5)
        assert KNOWN.distance(along) == pytest.approx(np.sqrt(1 / 3), rel=1e-5)

    def test_what_the_directions_leave_over_counts(self) -> None:
        assert KNOWN.distance(embedding(1, 2, 3, 4.1)) == pytest.approx(np.sqrt(1 / 3), rel=1e-3)

    def test_rank_and_edges(self) -> None:
        half, outside, strange = (embedding(1 + 3 * np.sqrt(3) * x, 2, 3, 4) for x in (1, 2.5, 4.5))
        assert KNOWN.rank(half) == pytest.approx(0.5, abs=1e-3)
        assert KNOWN.rank(strange) == 1
        assert [KNOWN.is_outside(item) for item in (half, outside, strange)] == [False, True, True]
        assert [KNOWN.is_strange(item) for item in (half, outside, strange)] == [False, False, True]

    @pytest.mark.filterwarnings("error")
    @pytest.mark.parametrize("size", [1e30, -1e30, np.inf, np.nan])
    def test_what_no_float_can_say_is_strange_without_a_warning(self, size: float) -> None:
        far = embedding(1, 2, size, size)
        assert KNOWN.distance(far) == np.inf
        assert KNOWN.is_strange(far)
        assert KNOWN.rank(far) == 1

    def test_another_model_s_embedding_is_refused(self) -> None:
        with pytest.raises(ModelError, match="belongs to another model"):
            KNOWN.distance(np.zeros(5, np.float32))


class TestBundle:
    def test_comes_back_as_it_was_written(self, folder: Path) -> None:
        known = load_familiarity(open_bundle(folder))
        assert known is not None
        assert (known.tracks.start, known.tracks.rest) == (2, pytest.approx(0.1))
        for field in ("mean", "axes", "distances"):
            np.testing.assert_array_equal(getattr(known.reference, field), getattr(KNOWN, field))

    def test_a_bundle_may_go_without(self, folder: Path) -> None:
        manifest = json.loads((folder / MANIFEST).read_text())
        del manifest["sha256"][FAMILIARITY]
        (folder / MANIFEST).write_text(json.dumps(manifest))
        assert load_familiarity(open_bundle(folder)) is None

    def test_a_changed_file_is_refused(self, folder: Path) -> None:
        (folder / FAMILIARITY).write_bytes((folder / FAMILIARITY).read_bytes()[:-1])
        with pytest.raises(ModelError, match=f"{FAMILIARITY}: does not match its hash"):
            load_familiarity(open_bundle(folder))

    @pytest.mark.parametrize(
        "change",
        [
            {"tracks_axes": np.zeros((2, 3), np.float32)},
            {"tracks_axes": np.zeros((2, 4), np.float32)},
            {"reference_mean": np.full(4, np.nan, np.float32)},
            {"reference_distances": np.array([2, 1], np.float32)},
            {"tracks_start": np.float32(-1)},
            {"tracks_rest": None},
        ],
    )
    def test_what_cannot_be_is_refused(self, folder: Path, change: dict[str, np.ndarray | None]) -> None:
        with np.load(folder / FAMILIARITY) as data:
            arrays = {**data, **change}
        file = io.BytesIO()
        np.savez(file, **{name: value for name, value in arrays.items() if value is not None})
        put(folder, file.getvalue())
        with pytest.raises(ModelError, match=f"{FAMILIARITY}: cannot be used"):
            load_familiarity(open_bundle(folder))

    def test_what_unpacks_to_too_much_is_refused(self, folder: Path) -> None:
        file = io.BytesIO()
        np.savez_compressed(file, tracks_mean=np.zeros(5_000_000, np.float32))
        assert len(file.getvalue()) < 100_000
        put(folder, file.getvalue())
        with pytest.raises(ModelError, match="larger than 16 MiB"):
            load_familiarity(open_bundle(folder))

    def test_no_archive_at_all(self, folder: Path) -> None:
        put(folder, b"no zip")
        with pytest.raises(ModelError, match="cannot be used"):
            load_familiarity(open_bundle(folder))
