"""What is to be done about one VMI of this node: (VMI, seen, now) -> actions. Pure."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

from .. import conditions
from . import interfaces, phases, status
from .phases import FAILED, FINAL, OURS, RUNNING, Verdict
from .seen import Name, Reach, Seen

Json = dict[str, Any]
NORMAL, WARNING = "Normal", "Warning"
RESUME_FIRST, RESUME_LAST = 10.0, 180.0
"""Seconds before a VM that an I/O error has paused is let go again, as in KubeVirt."""
WRITE_EVERY = 1.0
"""Seconds between two writes that are no change of phase: a launcher may say much."""
_ASK_AFTER, _ASK_EVERY = 2.0, 1.0
"""Seconds without a launcher before the kubelet is asked how it ended, and between questions."""


@dataclasses.dataclass(frozen=True)
class Follow:
    """Connect to the launcher, and stay so."""


@dataclasses.dataclass(frozen=True)
class Leave:
    """Nothing is to be known of the launcher any more."""


@dataclasses.dataclass(frozen=True)
class Start:
    pass


@dataclasses.dataclass(frozen=True)
class Shutdown:
    """Power button, then the end after `grace` seconds."""

    grace: int


@dataclasses.dataclass(frozen=True)
class Kill:
    """End the machine, with its launcher if that does not answer."""


@dataclasses.dataclass(frozen=True)
class Resume:
    """Let a VM go on that an I/O error has paused."""


@dataclasses.dataclass(frozen=True)
class AskPod:
    """How did the launcher's container end, and what are the pod's addresses?"""


@dataclasses.dataclass(frozen=True)
class Write:
    """Merge this into the VMI."""

    patch: Json


@dataclasses.dataclass(frozen=True)
class Tell:
    """An event on the VMI."""

    kind: str
    reason: str
    note: str


Action = Follow | Leave | Start | Shutdown | Kill | Resume | AskPod | Write | Tell


@dataclasses.dataclass(frozen=True, kw_only=True)
class Now:
    wall: datetime.datetime
    monotonic: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Decision:
    actions: tuple[Action, ...] = ()
    """In the order in which they are to be done; the first that fails ends them."""
    again: float | None = None
    """Seconds after which time alone may have changed the answer."""


def reconcile(vmi: Json, seen: Seen | None, now: Now) -> Decision:
    """`vmi`: one that this node holds. `seen`: None when its launcher is not followed."""
    phase = vmi["status"].get("phase", "")
    if phase in FINAL:
        return Decision(actions=_after_the_end(seen))
    if phase not in OURS:
        return Decision()
    if seen is None:
        return Decision(actions=(Follow(),))
    verdict = phases.phase_of(vmi, seen, now.monotonic)
    new = status.status_of(vmi, seen, verdict, now.wall)
    patch = status.patch_of(vmi, new, seen)
    written: tuple[Action, ...] = (Write(patch), *_events(vmi, new, seen, verdict)) if patch else ()
    if verdict.phase in FINAL:
        return Decision(actions=(*written, *_after_the_end(seen)))
    again = _again(vmi, seen, now.monotonic)
    too_soon = seen.written_at + WRITE_EVERY - now.monotonic
    if written and verdict.phase == phase and too_soon > 0:
        written, again = (), min(too_soon, again or too_soon)
    return Decision(actions=(*_about_the_machine(vmi, seen, now.monotonic), *written), again=again)


def _after_the_end(seen: Seen | None) -> tuple[Action, ...]:
    """A VMI that is over has no machine, whatever a launcher thinks."""
    if seen is None:
        return ()
    if seen.reach is Reach.GONE or seen.machine.name is Name.ENDED:
        return (Leave(),)
    return (Kill(),) if seen.reach is Reach.CONNECTED else (Kill(), Leave())


def _about_the_machine(vmi: Json, seen: Seen, now: float) -> tuple[Action, ...]:
    if seen.reach is not Reach.CONNECTED:
        return (AskPod(),) if _ask_in(seen, now) == 0 else ()
    if phases.is_deleted(vmi):
        return _stop(vmi, seen)
    if phases.never_ran(seen) and now >= seen.retry_at:
        return (Start(),)
    if (wait := _resume_in(seen, now)) is not None and wait <= 0:
        return (Resume(),)
    if seen.machine.name.has_run and not seen.starting and _lacks_addresses(vmi, seen):
        return (AskPod(),)
    return ()


def _lacks_addresses(vmi: Json, seen: Seen) -> bool:
    """Of a VM that another handler has started, and could not say so."""
    if seen.addresses or seen.pod_asked_at:
        return False
    name = interfaces.pod_interface(vmi)
    known = [one for one in vmi["status"].get("interfaces") or () if one.get("name") == name]
    return bool(name) and not any(one.get("ipAddress") for one in known)


def _stop(vmi: Json, seen: Seen) -> tuple[Action, ...]:
    """The handler does it itself: the kubelet may be down, and the pod never deleted."""
    match seen.machine.name:
        case Name.STOPPING | Name.ENDED | Name.UNKNOWN:
            return ()
        case Name.RUNNING | Name.PAUSED:
            note = "Signaled Graceful Shutdown"
            return (Shutdown(phases.grace_of(vmi)), Tell(NORMAL, "ShuttingDown", note))
        case _:
            return (Shutdown(0),)


def _resume_in(seen: Seen, now: float) -> float | None:
    """Seconds until a VM that an I/O error has paused is let go; None: it is not paused so."""
    machine = seen.machine
    if machine.name is not Name.PAUSED or machine.reason != "io-error":
        return None
    delay = min(RESUME_FIRST * 2.0 ** min(seen.resumes, 10), RESUME_LAST)
    return max(seen.paused_at + delay - now, 0.0)


def _ask_in(seen: Seen, now: float) -> float | None:
    """Seconds until the kubelet is to be asked; None: there is nothing to ask."""
    if seen.reach is Reach.CONNECTED or seen.pod_end or seen.machine.ending:
        return None
    patience = 0.0 if seen.reach is Reach.GONE else _ASK_AFTER
    return max(seen.since + patience, seen.pod_asked_at + _ASK_EVERY, now) - now


def _again(vmi: Json, seen: Seen, now: float) -> float | None:
    waits = [_ask_in(seen, now), _resume_in(seen, now)]
    if seen.reach is Reach.CONNECTED and phases.never_ran(seen) and not phases.is_deleted(vmi):
        waits.append(seen.retry_at - now)
    return min((max(wait, _ASK_EVERY / 4) for wait in waits if wait is not None), default=None)


def _events(vmi: Json, new: Json, seen: Seen, verdict: Verdict) -> tuple[Tell, ...]:
    """What changes with this status, in KubeVirt's words."""
    phase = vmi["status"]["phase"]
    if verdict.phase != phase:
        return _phase_events(vmi, verdict)
    old_pause = conditions.find(vmi["status"].get("conditions"), "Paused") or {}
    pause = conditions.find(new.get("conditions"), "Paused") or {}
    told: tuple[Tell, ...] = ()
    if pause.get("reason") == "PausedIOError" != old_pause.get("reason"):
        told += (Tell(WARNING, "IOerror", _io_note(seen)),)
    old_trouble = conditions.find(vmi["status"].get("conditions"), "Synchronized")
    if seen.trouble and seen.trouble.message != (old_trouble or {}).get("message"):
        told += (Tell(WARNING, "SyncFailed", seen.trouble.message),)
    return told


def _phase_events(vmi: Json, verdict: Verdict) -> tuple[Tell, ...]:
    ran = vmi["status"]["phase"] == RUNNING
    if verdict.phase == RUNNING:
        return (
            Tell(NORMAL, "Created", "VirtualMachineInstance defined."),
            Tell(NORMAL, "Started", "VirtualMachineInstance started."),
        )
    if verdict.phase != FAILED:
        return (Tell(NORMAL, "Stopped", "The VirtualMachineInstance was shut down."),)
    if ran:
        note = f"The VirtualMachineInstance crashed. {verdict.message}"
        return (Tell(WARNING, "Stopped", note),)
    if phases.is_deleted(vmi):  # Somebody has changed their mind: nothing went wrong.
        return (Tell(NORMAL, "Stopped", verdict.message),)
    return (Tell(WARNING, "SyncFailed", verdict.message),)


def _io_note(seen: Seen) -> str:
    volume = seen.io_error.volume if seen.io_error else "unknown"
    if seen.io_error and seen.io_error.nospace:
        return f"VM Paused due to not enough space on volume: {volume}"
    return f"VM Paused due to IO error at the volume: {volume}"
