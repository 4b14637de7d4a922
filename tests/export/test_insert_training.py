"""An insert is not trained, and it is said why."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from mixbridge.export.tuning.command import train
from mixbridge.presets.errors import InsertError


def test_training_an_insert_is_refused_with_the_way_that_there_is() -> None:
    with pytest.raises(InsertError, match=r"denoise cannot be trained here.*no gradients.*mixbridge preset insert"):
        CliRunner().invoke(train, ["--insert", "denoise"], catch_exceptions=False)
