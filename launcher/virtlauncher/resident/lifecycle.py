"""What the machine is, computed: (what we know, what was seen, now) -> what we know then.

Pure. The seen things are QEMU's events and status, the end of its process, and our own acts;
the result is the STATE of the wire protocol. `TRANSITIONS` is the law, `step` never breaks it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, assert_never

from ..value import Value


class StateName(StrEnum):
    CREATED = "created"
    BUILDING = "building"
    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"
    ENDED = "ended"

    @property
    def has_qemu(self) -> bool:
        """Whether calls that need a started QEMU make sense."""
        return self in {StateName.RUNNING, StateName.PAUSED, StateName.STOPPING}


TRANSITIONS: Mapping[StateName, frozenset[StateName]] = {
    StateName.CREATED: frozenset({StateName.BUILDING, StateName.ENDED}),
    StateName.BUILDING: frozenset({StateName.STARTING, StateName.ENDED}),
    StateName.STARTING: frozenset(
        {StateName.RUNNING, StateName.PAUSED, StateName.STOPPING, StateName.ENDED}
    ),
    StateName.RUNNING: frozenset({StateName.PAUSED, StateName.STOPPING, StateName.ENDED}),
    StateName.PAUSED: frozenset({StateName.RUNNING, StateName.STOPPING, StateName.ENDED}),
    StateName.STOPPING: frozenset({StateName.ENDED}),
    StateName.ENDED: frozenset(),
}


class PauseReason(StrEnum):
    USER = "user"
    IO_ERROR = "io-error"
    START_STRATEGY = "start-strategy"
    INCOMING = "incoming"
    WATCHDOG = "watchdog"
    PANICKED = "panicked"
    SUSPENDED = "suspended"
    INTERNAL_ERROR = "internal-error"
    MIGRATED = "migrated"


_REASON_OF_STATUS: Mapping[str, PauseReason] = {
    "paused": PauseReason.USER,
    "io-error": PauseReason.IO_ERROR,
    "watchdog": PauseReason.WATCHDOG,
    "guest-panicked": PauseReason.PANICKED,
    "suspended": PauseReason.SUSPENDED,
    "internal-error": PauseReason.INTERNAL_ERROR,
    "prelaunch": PauseReason.START_STRATEGY,
    "inmigrate": PauseReason.INCOMING,
    "postmigrate": PauseReason.MIGRATED,
}
"""QEMU's run states in which the CPUs stand still, but for 'shutdown': that one has an event."""


class EndingKind(StrEnum):
    GUEST_SHUTDOWN = "guest-shutdown"
    KILLED = "killed"
    CRASHED = "crashed"
    PANICKED = "panicked"
    FAILED = "failed"


class Ending(Value):
    kind: EndingKind
    code: int = 0
    """QEMU's exit status; 128 + signal when a signal ended it."""
    signal: int = 0
    message: str
    last_line: str = ""
    """The last line that QEMU wrote on stderr."""


class State(Value):
    name: StateName = StateName.CREATED
    reason: str = ""
    since: str
    """RFC 3339 time of the last change of name or reason."""
    pid: int | None = None
    agent: bool = False
    ending: Ending | None = None

    def to_json(self) -> dict[str, Any]:
        """STATE of the wire protocol."""
        return dataclasses.asdict(self)


class Act(StrEnum):
    """What we did to the machine ourselves, seen like anything else."""

    BUILD = "build"
    PAUSE = "pause"
    REBOOT = "reboot"
    """The next power-off of the guest becomes a reset."""
    REBOOT_OVER = "reboot-over"
    STOP = "stop"
    """The ladder's first rung: the power button."""
    KILL = "kill"
    """`quit`, SIGTERM or SIGKILL to QEMU."""


class Acted(Value):
    act: Act
    why: str = ""
    """KILL: a clause for the ending's message, such as 'its grace period is over'."""


class Spawned(Value):
    pid: int


class Started(Value):
    """The start is complete; `paused` is empty when the CPUs were let go."""

    paused: PauseReason | None = None


class Event(Value):
    """One of QEMU's events."""

    name: str
    data: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class Status(Value):
    """QEMU's answer to query-status."""

    status: str


class AgentPort(Value):
    open: bool


class Exited(Value):
    """The end of QEMU's process, or of the attempt to have one (`message` says why)."""

    code: int = 0
    signal: int = 0
    last_line: str = ""
    message: str = ""


Seen = Acted | Spawned | Started | Event | Status | AgentPort | Exited


class Track(Value):
    """The state, and what must be remembered to explain the next one."""

    state: State
    cause: PauseReason | None = None
    """Why the CPUs will stop, when that is known before they do."""
    shutdown: str = ""
    """QEMU's reason of the first SHUTDOWN, with 'guest' or 'host' before it: 'guest:…'."""
    panicked: bool = False
    rebooting: bool = False
    """QEMU was told that the guest's next power-off stops the CPUs and nothing else."""
    reset_due: bool = False
    """That power-off has come: the machine waits for our reset."""
    killed: str | None = None
    """Why we killed it, once we did."""


def created(now: str) -> Track:
    return Track(state=State(since=now))


def step(track: Track, seen: Seen, now: str) -> Track:
    """What is known after `seen`. A thing that does not fit the state changes nothing."""
    if track.state.name is StateName.ENDED:
        return track
    match seen:
        case Acted():
            return _acted(track, seen, now)
        case Spawned(pid=pid):
            moved = _move(track, StateName.STARTING, "", now)
            return _with_state(moved, pid=pid)
        case Started(paused=reason):
            return _started(track, reason, now)
        case Event():
            return _happened(track, seen, now)
        case Status(status=status):
            return _status(track, status, now)
        case AgentPort(open=is_open):
            return _with_state(track, agent=is_open)
        case Exited():
            return _exited(track, seen, now)
        case _:
            assert_never(seen)


def _started(track: Track, paused: PauseReason | None, now: str) -> Track:
    if track.state.name is not StateName.STARTING:  # An event was faster than the answer.
        return track
    name = StateName.PAUSED if paused else StateName.RUNNING
    return _move(track, name, paused or "", now)


def _acted(track: Track, seen: Acted, now: str) -> Track:
    match seen.act:
        case Act.BUILD:
            return _move(track, StateName.BUILDING, "", now)
        case Act.PAUSE:
            return dataclasses.replace(track, cause=PauseReason.USER)
        case Act.REBOOT:
            return dataclasses.replace(track, rebooting=True)
        case Act.REBOOT_OVER:
            off = track.shutdown if track.state.name is StateName.STOPPING else ""
            return dataclasses.replace(track, rebooting=False, reset_due=False, shutdown=off)
        case Act.STOP:
            return _move(track, StateName.STOPPING, "power-button", now)
        case Act.KILL:
            first = track.killed if track.killed is not None else seen.why
            return dataclasses.replace(_move(track, StateName.STOPPING, "kill", now), killed=first)
        case _:
            assert_never(seen.act)


def _happened(track: Track, event: Event, now: str) -> Track:
    match event.name:
        case "RESUME" | "WAKEUP":
            resumed = _move(track, StateName.RUNNING, "", now)
            return dataclasses.replace(resumed, cause=None, reset_due=False)
        case "STOP" if not track.reset_due:
            return _pause(track, track.cause or PauseReason.USER, now)
        case "RESET":
            return dataclasses.replace(track, panicked=False)
        case "SUSPEND":
            return _pause(track, PauseReason.SUSPENDED, now)
        case "BLOCK_IO_ERROR" if event.data.get("action") == "stop":
            return dataclasses.replace(track, cause=PauseReason.IO_ERROR)
        case "WATCHDOG" if event.data.get("action") == "pause":
            return dataclasses.replace(track, cause=PauseReason.WATCHDOG)
        case "GUEST_PANICKED":
            return dataclasses.replace(track, panicked=True, cause=PauseReason.PANICKED)
        case "SHUTDOWN":
            return _shut_down(track, event, now)
        case _:
            return track


def _shut_down(track: Track, event: Event, now: str) -> Track:
    by_guest = event.data.get("guest") is True
    reason = str(event.data.get("reason", ""))
    first = track.shutdown or f"{'guest' if by_guest else 'host'}:{reason}"
    if track.rebooting and by_guest:
        return dataclasses.replace(track, reset_due=True, shutdown=first)
    panicked = track.panicked or reason == "guest-panic"
    moved = _move(track, StateName.STOPPING, reason, now)
    return dataclasses.replace(moved, shutdown=first, panicked=panicked)


def _status(track: Track, status: str, now: str) -> Track:
    """A status says more than the event STOP, and repairs what an unseen event left behind."""
    if status == "running" and track.state.name is StateName.PAUSED:
        return _move(track, StateName.RUNNING, "", now)
    reason = _REASON_OF_STATUS.get(status)
    return _pause(track, reason, now) if reason else track


def _exited(track: Track, seen: Exited, now: str) -> Track:
    kind = _ending_kind(track)
    ending = Ending(
        kind=kind,
        code=seen.code,
        signal=seen.signal,
        message=seen.message or _sentence(kind, track, seen),
        last_line=seen.last_line,
    )
    moved = _move(track, StateName.ENDED, kind, now)
    return _with_state(moved, pid=None, agent=False, ending=ending)


def _ending_kind(track: Track) -> EndingKind:
    if track.panicked:
        return EndingKind.PANICKED
    if track.shutdown.startswith("guest:"):
        return EndingKind.GUEST_SHUTDOWN
    if track.shutdown or track.killed is not None:
        return EndingKind.KILLED
    if track.state.name in {StateName.CREATED, StateName.BUILDING, StateName.STARTING}:
        return EndingKind.FAILED
    return EndingKind.CRASHED


def _sentence(kind: EndingKind, track: Track, seen: Exited) -> str:
    status = f"signal {seen.signal}" if seen.signal else f"exit status {seen.code}"
    match kind:
        case EndingKind.PANICKED:
            return "The guest's kernel panicked."
        case EndingKind.GUEST_SHUTDOWN:
            return "The guest powered off."
        case EndingKind.KILLED:
            why = track.killed or track.shutdown.partition(":")[2]
            return f"QEMU was ended: {why}."
        case EndingKind.FAILED:
            return f"QEMU did not start ({status})."
        case EndingKind.CRASHED:
            return f"QEMU died by itself ({status})."
        case _:
            assert_never(kind)


def _pause(track: Track, reason: PauseReason, now: str) -> Track:
    if track.state.name in {StateName.RUNNING, StateName.PAUSED}:
        return _move(track, StateName.PAUSED, reason, now)
    return track


def _move(track: Track, name: StateName, reason: str, now: str) -> Track:
    state = track.state
    another_reason = name is state.name is StateName.PAUSED and reason != state.reason
    if name in TRANSITIONS[state.name] or another_reason:
        return _with_state(track, name=name, reason=str(reason), since=now)
    return track


def _with_state(track: Track, **changes: Any) -> Track:
    return dataclasses.replace(track, state=dataclasses.replace(track.state, **changes))


def phase_of(ending: Ending, acpi: bool, grace: int) -> str:
    """KubeVirt's final phase, 'Succeeded' or 'Failed'.

    A machine that we killed has failed only if it could have heard the power button (`acpi`) and
    had time to obey it (`grace`, seconds).
    """
    match ending.kind:
        case EndingKind.GUEST_SHUTDOWN:
            return "Succeeded"
        case EndingKind.KILLED:
            return "Failed" if acpi and grace != 0 else "Succeeded"
        case EndingKind.CRASHED | EndingKind.PANICKED | EndingKind.FAILED:
            return "Failed"
        case _:
            assert_never(ending.kind)
