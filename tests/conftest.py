"""What tests of several packages share: the model that ships, loaded once; and what one process runs together."""

from __future__ import annotations

import pytest
from mixbridge.runtime.model.controller import Controller


@pytest.fixture(scope="session")
def controller() -> Controller:
    return Controller("default", "cpu", threads=1)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keeps the tests of a file in one process (`--dist loadgroup`), and all that talk to Ardour, which starts once."""
    for item in items:
        talks_to_ardour = hasattr(getattr(item, "module", None), "ardour_host")
        group = "ardour" if talks_to_ardour else item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group(group))
