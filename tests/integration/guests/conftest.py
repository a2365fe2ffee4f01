"""The guests, built once for all tests."""

from __future__ import annotations

import pytest

from images.guests.catalog import Guest, GuestName, build


@pytest.fixture(scope="session")
def tiny() -> Guest:
    return build(GuestName.TINY)


@pytest.fixture(scope="session")
def cirros() -> Guest:
    return build(GuestName.CIRROS)
