"""What keeps the resident small: modules that it would load and never use stay out."""

from __future__ import annotations

import contextlib
import sys
import types
from collections.abc import Iterator


@contextlib.contextmanager
def without_ssl() -> Iterator[None]:
    """Imports of asyncio and qemu.qmp in here do not load OpenSSL (3 MB and 8 ms).

    asyncio does without it when it is missing; qemu.qmp wants a name from it, for a parameter's
    type. Neither is used: every socket of the launcher is a unix socket.
    """
    if "ssl" in sys.modules:  # Somebody in this process wants it: a test, or a debugger.
        yield
        return
    sys.modules["ssl"] = None  # type: ignore[assignment]
    import asyncio  # noqa: F401

    stub = types.ModuleType("ssl")
    stub.SSLContext = object  # type: ignore[attr-defined]
    sys.modules["ssl"] = stub
    try:
        yield
    finally:
        del sys.modules["ssl"]
