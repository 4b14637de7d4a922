"""What tests of pushing share."""

import pytest


@pytest.fixture(autouse=True)
def _at_once(quick_desks):
    """Nothing here is about how fast a desk takes messages."""
