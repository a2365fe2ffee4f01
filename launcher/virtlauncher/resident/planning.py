"""The resident's side of the builder: a child that is already there, asked once.

`__main__` starts it before anything heavy is imported; the link is a socketpair with the framing
of `virtlauncher.framing`.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Mapping
from typing import Any

from .. import errors, framing
from ..errors import LauncherError, LaunchFailed, WireError
from ..plan import Plan
from ..value import Value
from ..wire import Received, Stream
from .children import Child, ChildEnded
from .descriptors import Descriptors

_TIMEOUT = 120.0
"""Seconds for inspecting and making every disk, each of which has its own, lower limits."""
_PATIENCE = 5.0


class Builder(Value):
    process: Child
    link: socket.socket

    async def plan(
        self, vmi: Mapping[str, Any], facts: Mapping[str, Any], descriptors: Descriptors
    ) -> Plan:
        """Have the VMI turned into a plan. What the builder opened is added to `descriptors`.

        Raises what the builder raised, and LaunchFailed when it ends, is slow or talks nonsense.
        It is gone when this returns.
        """
        stream = Stream(self.link, line_limit=framing.LINE_LIMIT, fds_limit=framing.FDS_LIMIT)
        try:
            received = await self._ask(stream, {"vmi": vmi, "facts": facts}, descriptors)
            try:
                if "error" in received.message:
                    raise errors.from_json(received.message["error"])
                plan = Plan.from_json(received.message.get("plan") or {})
                descriptors.update(received.take())
                return plan
            finally:
                received.close()
        except ValueError as error:
            raise LaunchFailed(f"the builder's plan is unusable: {error}") from error
        finally:
            stream.close()
            await self.close()

    async def close(self) -> None:
        """End it, whatever it is doing."""
        self.link.close()
        await self.process.end([signal.SIGKILL], _PATIENCE)

    async def _ask(
        self, stream: Stream, request: Mapping[str, Any], descriptors: Descriptors
    ) -> Received:
        try:
            await self.process.race(stream.send(request, descriptors.all()), _TIMEOUT)
            received = await self.process.race(stream.receive(), _TIMEOUT)
        except ChildEnded as ended:
            raise self._failed(f"ended ({ended.exit})") from ended
        except TimeoutError as error:
            raise self._failed(f"did not answer in {_TIMEOUT:g} s") from error
        except WireError as error:
            raise self._failed(f"was lost: {error}") from error
        if received is None:
            raise self._failed(await self._end())
        return received

    async def _end(self) -> str:
        """Its socket closes a moment before it is gone: its exit says more."""
        try:
            exit_ = await asyncio.wait_for(asyncio.shield(self.process.exited), _PATIENCE)
            return f"ended ({exit_})"
        except TimeoutError:
            return "closed its end"

    def _failed(self, how: str) -> LauncherError:
        said = f": {self.process.last_line}" if self.process.last_line else ""
        return LaunchFailed(f"the builder {how}{said}")
