"""The connection to one launcher: made, kept, made again; and what is seen through it.

A launcher outlives its handler and any connection. Its state is asked for on every new one, so
that a handler that starts adopts what runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
import logging
import signal
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from virtlauncher import client
from virtlauncher.client import Client, Event
from virtlauncher.errors import LauncherError, NotNow, Refused, WireError

from . import agent, memory, peer, sockets
from .budget import Budget
from .errors import HandlerError, NotOurs, NotThere
from .peer import Peer
from .seen import Device, IoError, Machine, Name, PodEnd, Reach, Seen, Trouble, text
from .starting import Starter

Json = dict[str, Any]
ROLE = "virt-handler"
_RETRY_FIRST, _RETRY_LAST = 0.02, 1.0
"""Seconds between attempts to reach a launcher."""
_ALIVE_EVERY, _ALIVE_WITHIN = 30.0, 30.0
"""Seconds between questions whether the launcher still answers, and for its answer."""
_AGENT_FIRST, _AGENT_EVERY = (2.0, 5.0), 30.0
"""Seconds between the first rounds of questions to the agent (addresses come late), and between
later ones."""
_PUZZLED = 10.0
"""Seconds before a launcher that we do not understand is tried again."""
_EVENTS_BURST, _EVENTS_RATE = 500, 50.0
"""Events that a launcher may send at once, and in a second from then on."""
_WELL = 600.0
"""Seconds between two I/O errors that have nothing to do with each other."""
_START_FIRST, _START_LAST = 1.0, 60.0
"""Seconds before a start that failed for the node's sake is tried again."""

_log = logging.getLogger("virtoperator.handler")


class Link:
    """What is known of one pod's launcher. `run` keeps it up."""

    def __init__(self, uid: str, pods: Path, changed: Callable[[], None]) -> None:
        self.uid = uid
        """The pod's."""
        self.seen = Seen(since=time.monotonic())
        self._pods = pods
        self._changed = changed
        self._client: Client | None = None
        self._peer: Peer | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._agent = asyncio.Event()
        self._flooded = False

    async def run(self) -> None:
        """Until the launcher's process has ended, as far as we ever knew it."""
        pause = _RETRY_FIRST
        with contextlib.ExitStack() as stack:
            while True:
                try:
                    async with self._connected(stack) as launcher:
                        pause = _RETRY_FIRST
                        await self._serve(launcher)
                except NotOurs as error:
                    self._see_obstacle(str(error))
                    pause = _PUZZLED
                except (HandlerError, LauncherError, TimeoutError, OSError) as error:
                    self._see_obstacle(str(error) or "the launcher does not answer")
                except Exception as error:  # A launcher may say anything; the next VM goes on.
                    _log.exception("the launcher of the pod %s", self.uid)
                    self._see_obstacle(f"the launcher is not understood: {error!r}")
                    pause = _PUZZLED
                if self._is_over():
                    self._see(reach=Reach.GONE, since=time.monotonic())
                    return
                await asyncio.sleep(pause)
                pause = min(pause * 2, _RETRY_LAST)

    async def call(self, name: str, arguments: Json | None = None) -> Json:
        """A call that answers at once; a STATE in the answer is taken in.

        Raises NotThere without a connection, NotNow, and what else `Client.call` raises.
        """
        if self._client is None:
            raise NotThere(f"no launcher of the pod {self.uid} is connected")
        reply = await self._client.call(name, arguments, within=_ALIVE_WITHIN)
        if isinstance(state := reply.result.get("state"), dict):
            self._take_state(state)
        return reply.result

    def begin(self, starter: Starter, vmi: Json) -> None:
        """Start the VM, beside everything else; `seen` tells how it goes. Raises NotThere."""
        if self._client is None or self._peer is None or self._tasks is None:
            raise NotThere(f"no launcher of the pod {self.uid} is connected")
        self._see(starting=True)
        self._tasks.create_task(self._start(starter, self._client, self._peer, vmi))

    async def resume(self) -> None:
        """Let a VM go on that an I/O error has paused."""
        self._see(resumes=self.seen.resumes + 1, paused_at=time.monotonic())
        with contextlib.suppress(NotNow):
            await self.call("resume")

    async def kill(self) -> None:
        """End the machine; with the launcher itself when that is there and does not answer.

        A VM that is over may be started elsewhere: nothing of it may run on.
        """
        if self._client is not None:
            with contextlib.suppress(NotNow):
                await self.call("kill")
        elif self._peer is not None and self._peer.alive:
            _log.warning("killing the launcher of the pod %s", self.uid)
            signal.pidfd_send_signal(self._peer.pidfd, signal.SIGKILL)

    def note_pod(self, end: PodEnd | None, addresses: tuple[str, ...]) -> None:
        """What the kubelet says: `end` is None while the container has not ended."""
        known = self.seen.addresses or addresses
        self._see(pod_end=end, addresses=known, pod_asked_at=time.monotonic())

    def note_written(self) -> None:
        """The status has just been written: no news to anybody."""
        self.seen = dataclasses.replace(self.seen, written_at=time.monotonic())

    # Connecting

    @contextlib.asynccontextmanager
    async def _connected(self, stack: contextlib.ExitStack) -> AsyncIterator[Client]:
        """A greeted connection to a listener that is this pod's."""
        sock = sockets.connect(self._pods, self.uid)
        try:
            found = peer.identify(sock, self.uid)
        except BaseException:
            sock.close()
            raise
        stack.close()  # The last listener's.
        stack.callback(found.close)
        self._peer = found
        async with client.attach(sock, role=ROLE) as launcher:
            yield launcher

    async def _serve(self, launcher: Client) -> None:
        """Until the connection is lost."""
        await self._adopt(launcher)
        async with asyncio.TaskGroup() as tasks:
            self._client, self._tasks, self._flooded = launcher, tasks, False
            work = [
                tasks.create_task(self._follow(launcher)),
                tasks.create_task(self._watch(launcher)),
            ]
            asking = tasks.create_task(self._ask_agent(launcher))
            try:
                await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            finally:
                self._client = self._tasks = None
                for task in (*work, asking):
                    task.cancel()
        if self._flooded:
            raise NotOurs(f"the launcher of the pod {self.uid} floods us with events")
        self._see_obstacle("the connection to the launcher was lost")

    def _is_over(self) -> bool:
        gone = self._peer is not None and not self._peer.alive
        return gone or self.seen.machine.name is Name.ENDED

    async def _adopt(self, launcher: Client) -> None:
        """Take in what is: of a launcher that is new to us, or was out of reach."""
        kills = self._oom_kills()
        answer = (await launcher.call("status", within=_ALIVE_WITHIN)).result
        self._see(
            reach=Reach.CONNECTED,
            since=time.monotonic(),
            obstacle="",
            device=Device.read(answer),
            oom_killed=self.seen.oom_killed or kills > 0,
        )
        self._take_state(answer.get("state") or {})

    # Following

    async def _follow(self, launcher: Client) -> None:
        """Until the connection is lost, or the launcher says too much."""
        budget = Budget(burst=_EVENTS_BURST, rate=_EVENTS_RATE, now=time.monotonic())
        async for event in launcher.events():
            self._take(event)
            if not budget.spend(time.monotonic()):
                self._flooded = True
                return

    def _take(self, event: Event) -> None:
        if not isinstance(event.data, dict):
            return
        match event.name:
            case "state":
                self._take_state(event.data)
            case "io_error":
                volume = text(event.data.get("volume"))
                nospace = event.data.get("nospace") is True
                self._see(io_error=IoError(volume=volume, nospace=nospace))
            case "abi":
                self._see(device=dataclasses.replace(self.seen.device, abi=event.data))
            case "log":
                _log.info("launcher of %s: %s", self.uid, text(event.data.get("message")))
            case _:
                pass

    def _take_state(self, tree: Json) -> None:
        before, machine = self.seen.machine, Machine.read(tree)
        changes: Json = {"machine": machine}
        if machine.name is Name.PAUSED and before.name is not Name.PAUSED:
            changes |= self._paused(time.monotonic())
        if machine.name is Name.ENDED:
            changes["oom_killed"] = self.seen.oom_killed or self._oom_kills() > 0
        if machine.agent:
            self._agent.set()
        else:
            self._agent.clear()
            changes["guest"] = None
        self._see(**changes)

    def _paused(self, now: float) -> Json:
        well = now - self.seen.paused_at > _WELL
        return {"paused_at": now, "resumes": 0 if well else self.seen.resumes}

    def _oom_kills(self) -> int:
        return memory.oom_kills(self._peer.cgroups) if self._peer else 0

    async def _watch(self, launcher: Client) -> None:
        """Returns when the launcher does not answer any more."""
        while True:
            await asyncio.sleep(_ALIVE_EVERY)
            try:
                await launcher.call("status", within=_ALIVE_WITHIN)
            except TimeoutError:
                _log.warning("the launcher of the pod %s does not answer", self.uid)
                return
            except WireError:
                return

    async def _ask_agent(self, launcher: Client) -> None:
        """What the guest tells of itself, as long as its agent is there."""
        while True:
            await self._agent.wait()
            for pause in itertools.chain(_AGENT_FIRST, itertools.repeat(_AGENT_EVERY)):
                self._see(guest=await agent.ask(launcher, self.seen.guest))
                await asyncio.sleep(pause)
                if not self._agent.is_set():
                    break

    # Starting

    async def _start(self, starter: Starter, launcher: Client, peer_: Peer, vmi: Json) -> None:
        try:
            answer, addresses = await starter.start(launcher, peer_, vmi)
        except Refused as error:
            self._fail(error.reason, str(error), final=True)
        except HandlerError as error:
            self._fail(error.reason, str(error), final=error.final)
        except (LauncherError, TimeoutError) as error:
            # It was started already, has ended, or is out of reach: seen where it happens.
            _log.warning("start in the pod %s: %s", self.uid, error)
        except Exception as error:
            _log.exception("start in the pod %s", self.uid)
            self._fail("InternalError", f"virt-handler: {error!r}", final=False)
        else:
            self._see(starting=False, trouble=None, addresses=addresses, device=Device.read(answer))
            self._take_state(answer.get("state") or {})
        finally:
            self._see(starting=False)

    def _fail(self, reason: str, message: str, *, final: bool) -> None:
        tries = self.seen.tries + 1
        delay = min(_START_FIRST * 2.0 ** min(tries - 1, 10), _START_LAST)
        _log.warning("start in the pod %s: %s: %s", self.uid, reason, message)
        self._see(
            trouble=Trouble(reason=reason, message=text(message), final=final),
            tries=tries,
            retry_at=time.monotonic() + delay,
        )

    # Seeing

    def _see_obstacle(self, obstacle: str) -> None:
        if self.seen.reach is Reach.CONNECTED:
            self._see(reach=Reach.CONNECTING, since=time.monotonic(), obstacle=obstacle)
        elif obstacle != self.seen.obstacle:
            self._see(obstacle=text(obstacle))

    def _see(self, **changes: Any) -> None:
        before, self.seen = self.seen, dataclasses.replace(self.seen, **changes)
        if self.seen != before:
            self._changed()
