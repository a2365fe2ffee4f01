"""Fixtures of a connected pod."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from netplumb import connect
from tests.integration.netplumb.pods import RESOLVER, WANTED, Guest, Pod


@pytest.fixture
def pod() -> Iterator[Pod]:
    with Pod() as pod:
        yield pod


@pytest.fixture
def guest(pod: Pod) -> Iterator[Guest]:
    """Connected to `pod` by masquerade, all ports, and configured."""
    (connected,) = connect(pod.fd, [WANTED], RESOLVER)
    with connected, Guest(connected.tap_fds[0]) as guest:
        guest.configure()
        yield guest
