"""What tests of several packages share: the model that ships, loaded once."""

from __future__ import annotations

import pytest
from mixbridge.runtime.model.controller import Controller


@pytest.fixture(scope="session")
def controller() -> Controller:
    return Controller("default", "cpu", threads=1)
