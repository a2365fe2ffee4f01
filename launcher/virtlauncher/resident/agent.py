"""The guest agent: a peer inside the guest, so nothing it says is believed or may cost us much.

A call sends the agent's sync command first and skips everything until the answer with our number
(the port keeps what an earlier, slower agent said), then asks, and reads one bounded line.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Mapping
from typing import Any

from ..errors import AgentError
from .lines import printable

ANSWER_LIMIT = 64 * 1024
SKIP_LIMIT = 1024 * 1024
"""Bytes that are skipped in search of the sync answer."""
TIMEOUT = 5.0
TIMEOUT_LIMIT = 600.0
_CHUNK = 16 * 1024
_SENTINEL = b"\xff"
"""Never part of UTF-8: resets the agent's parser, and stands before its sync answer."""
_SILENT = frozenset(
    {"guest-shutdown", "guest-suspend-disk", "guest-suspend-ram", "guest-suspend-hybrid"}
)
"""Commands that an agent answers only when they fail."""
_SILENCE = 1.0


class Agent:
    """The launcher's end of the agent's channel."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._turn = asyncio.Lock()
        self._buffer = bytearray()

    def close(self) -> None:
        self._sock.close()

    async def call(
        self,
        command: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        within: float = TIMEOUT,
    ) -> Any:
        """The agent's `return`; None for commands whose success is silence.

        `within` (seconds) counts from when the call's turn has come. Raises AgentError for an
        agent that is absent, slow, refusing, or talking nonsense.
        """
        async with self._turn:
            try:
                async with asyncio.timeout(min(within, TIMEOUT_LIMIT)):
                    await self._sync()
                    return await self._ask(command, arguments)
            except TimeoutError:
                raise AgentError(
                    f"the guest agent did not answer {command} in {within:g} s"
                ) from None
            except OSError as error:
                raise AgentError(f"the guest agent's channel is closed: {error}") from error
            finally:
                self._buffer.clear()

    async def _sync(self) -> None:
        number = int.from_bytes(os.urandom(4), "big")
        await self._send("guest-sync-delimited", {"id": number}, before=_SENTINEL)
        skipped = 0
        while skipped < SKIP_LIMIT:
            skipped += await self._skip_to(_SENTINEL, SKIP_LIMIT - skipped)
            line = await self._line()
            skipped += len(line)
            if _is_answer(line, number):
                return
        raise AgentError(f"the guest agent sent {skipped} bytes that nobody asked for")

    async def _ask(self, command: str, arguments: Mapping[str, Any] | None) -> Any:
        await self._send(command, arguments)
        try:
            async with asyncio.timeout(_SILENCE if command in _SILENT else None):
                answer = _parse(await self._line())
        except TimeoutError:
            if command in _SILENT:
                return None
            raise
        if "return" in answer:
            return answer["return"]
        error = answer.get("error")
        words = str(error.get("desc", "")) if isinstance(error, dict) else ""
        raise AgentError(f"the guest agent refused {command}: {printable(words.encode())[:200]}")

    async def _send(
        self, command: str, arguments: Mapping[str, Any] | None, before: bytes = b""
    ) -> None:
        message: dict[str, Any] = {"execute": command}
        if arguments:
            message["arguments"] = dict(arguments)
        data = before + json.dumps(message).encode() + b"\n"
        await asyncio.get_running_loop().sock_sendall(self._sock, data)

    async def _skip_to(self, byte: bytes, limit: int) -> int:
        skipped = 0
        while (at := self._buffer.find(byte)) < 0:
            skipped += len(self._buffer)
            self._buffer.clear()
            if skipped >= limit:
                raise AgentError(f"the guest agent sent {skipped} bytes that nobody asked for")
            await self._more()
        del self._buffer[: at + 1]
        return skipped + at + 1

    async def _line(self) -> bytes:
        while (at := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > ANSWER_LIMIT:
                raise AgentError(f"the guest agent's answer is longer than {ANSWER_LIMIT} bytes")
            await self._more()
        line = bytes(self._buffer[:at])
        del self._buffer[: at + 1]
        if len(line) > ANSWER_LIMIT:
            raise AgentError(f"the guest agent's answer is longer than {ANSWER_LIMIT} bytes")
        return line

    async def _more(self) -> None:
        data = await asyncio.get_running_loop().sock_recv(self._sock, _CHUNK)
        if not data:
            raise AgentError("the guest agent's channel is closed")
        self._buffer += data


def _parse(line: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise AgentError("the guest agent's answer is not JSON") from error
    if not isinstance(answer, dict):
        raise AgentError("the guest agent's answer is no JSON object")
    return answer


def _is_answer(line: bytes, number: int) -> bool:
    """Whether this is the sync answer that we wait for, and not one of an earlier call."""
    try:
        return bool(_parse(line).get("return") == number)
    except AgentError:
        return False
