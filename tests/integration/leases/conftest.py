"""A pod to plumb."""

from __future__ import annotations

from tests.integration.netplumb.conftest import pod

__all__ = ["pod"]
