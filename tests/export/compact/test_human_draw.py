from dataclasses import replace

import pytest
import torch
from mixbridge.export.compact.band_console import SessionBatch
from mixbridge.export.compact.bands import BandPowers
from mixbridge.export.compact.human_draw import human_settings, practice_term
from mixbridge.export.compact.layout import compact_layout, to_unit_values
from mixbridge.presets.roles import ROLES, TRAITS

BAND = ("kick", "snare", "bass", "lead vocal", "electric guitar", "electric guitar", "hi-hat")
SESSIONS = 3000


def numbers(*names):
    return torch.tensor([[ROLES.index(name) if name else -1 for name in names]])


@pytest.fixture(scope="module")
def drawn():
    roles = numbers(*BAND, None).expand(SESSIONS, -1)
    mono = torch.ones_like(roles, dtype=torch.bool)
    return human_settings(roles, mono, torch.Generator().manual_seed(3))


def test_settings_lie_inside_the_ranges_of_the_model(drawn):
    layout = compact_layout()
    for outputs, settings in zip((layout.track, layout.master), drawn, strict=True):
        for output in outputs:
            values = settings[output.path]
            assert values.isfinite().all()
            assert values.min() >= output.low - 1e-3
            assert values.max() <= output.high * 1.0001 + 1e-3


def test_what_is_centred_stands_in_the_middle_and_guitars_on_both_sides(drawn):
    pan = drawn[0]["pan"]
    for index in range(4):
        assert pan[:, index].abs().max() < 0.1
    assert ((pan[:, 4] * pan[:, 5]) <= 0).all()
    assert pan[:, 4].abs().median() > 0.2
    assert abs(float(pan[:, 4].mean())) < 0.05


def test_levels_have_the_order_and_the_distances_of_real_mixes(drawn):
    fader_db = drawn[0]["fader_db"].median(0).values
    for first, second in (("lead vocal", "bass"), ("bass", "snare"), ("snare", "hi-hat")):
        usual_db = TRAITS[first].practice.level_db[1] - TRAITS[second].practice.level_db[1]
        measured_db = float(fader_db[BAND.index(first)] - fader_db[BAND.index(second)])
        assert measured_db == pytest.approx(usual_db, abs=0.8)


def test_as_many_are_compressed_and_cut_as_in_real_mixes(drawn):
    for role in ("lead vocal", "bass"):
        practice, index = TRAITS[role].practice, BAND.index(role)
        used = (drawn[0]["compressor.ratio"][:, index] > 1.01).float().mean()
        cut = (drawn[0]["eq.low_shelf.gain_db"][:, index] < -3.9).float().mean()
        assert float(used) == pytest.approx(practice.compressed_share, abs=0.05)
        assert float(cut) == pytest.approx(practice.high_pass_share, abs=0.05)


@pytest.fixture
def session():
    power = torch.ones(2, 64, 8)
    present = torch.ones(1, 2, dtype=torch.bool)
    return SessionBatch(BandPowers(power, power, power), present, present)


def strips_of(fader_db, pan):
    layout = compact_layout()
    neutral = {output.path: torch.full((1, 2), (output.low + output.high) / 2) for output in layout.track}
    neutral |= {f"eq.{band}.gain_db": torch.zeros(1, 2) for band in ("low_shelf", "band0", "band1", "band2", "band3")}
    neutral |= {"eq.high_shelf.gain_db": torch.zeros(1, 2)}
    return neutral | {"fader_db": torch.tensor([fader_db]), "pan": torch.tensor([pan])}


def test_a_vocal_off_the_middle_costs_beside_a_foreign_reference_only(session):
    roles, yes, no = numbers("lead vocal", "electric guitar"), torch.tensor([True]), torch.tensor([False])
    usual = [TRAITS[role].practice.level_db[1] for role in ("lead vocal", "electric guitar")]
    right = strips_of(usual, [0.0, 0.9])
    assert float(practice_term(session, right, roles, yes)) == pytest.approx(0, abs=1e-6)
    for wrong in (strips_of(usual, [0.7, 0.9]), strips_of(usual[::-1], [0.0, 0.9])):
        assert float(practice_term(session, wrong, roles, yes)) > 0.01
        assert float(practice_term(session, wrong, roles, no)) == 0


def test_a_common_offset_of_all_faders_costs_nothing(session):
    roles, yes = numbers("lead vocal", "electric guitar"), torch.tensor([True])
    usual = [TRAITS[role].practice.level_db[1] for role in ("lead vocal", "electric guitar")]
    for offset_db in (-7.0, 5.0):
        strips = strips_of([level + offset_db for level in usual], [0.0, 0.5])
        assert float(practice_term(session, strips, roles, yes)) == pytest.approx(0, abs=1e-6)


def test_padding_costs_nothing(session):
    alone = replace(session, present=torch.tensor([[True, False]]))
    roles, yes = numbers("lead vocal", None), torch.tensor([True])
    near, far = (strips_of([0.0, fader_db], [0.0, pan]) for fader_db, pan in ((0.0, 0.0), (20.0, 1.0)))
    assert float(practice_term(alone, near, roles, yes)) == float(practice_term(alone, far, roles, yes))


def test_drawn_settings_survive_the_layout(drawn):
    layout = compact_layout()
    unit = to_unit_values(layout.track, drawn[0])
    assert unit.shape == (SESSIONS, len(BAND) + 1, len(layout.track))
    assert ((unit >= 0) & (unit <= 1)).all()
