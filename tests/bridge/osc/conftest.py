"""What several of these tests look at."""

import pytest
from sent_datagrams import Sent, noted


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Sent]:
    """What leaves during the test."""
    return noted(monkeypatch)
