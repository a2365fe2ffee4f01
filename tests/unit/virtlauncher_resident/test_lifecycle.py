"""What was seen decides what the machine is: the table, the law of transitions, the phase."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from virtlauncher.resident.lifecycle import (
    TRANSITIONS,
    Act,
    Acted,
    AgentPort,
    Ending,
    EndingKind,
    Event,
    Exited,
    PauseReason,
    Seen,
    Spawned,
    Started,
    State,
    StateName,
    Status,
    Track,
    created,
    phase_of,
    step,
)

START = (Acted(act=Act.BUILD), Spawned(pid=7))
RUN = (*START, Event(name="RESUME"), Started())
GUEST_OFF = Event(name="SHUTDOWN", data={"guest": True, "reason": "guest-shutdown"})
HOST_OFF = Event(name="SHUTDOWN", data={"guest": False, "reason": "host-qmp-quit"})
STOP, RESUME = Event(name="STOP"), Event(name="RESUME")
IO_ERROR = Event(name="BLOCK_IO_ERROR", data={"action": "stop", "operation": "write"})
PANIC = Event(name="GUEST_PANICKED", data={"action": "pause"})


def after(*seen: Seen) -> Track:
    track = created("t0")
    for number, one in enumerate(seen, start=1):
        track = step(track, one, f"t{number}")
    return track


@pytest.mark.parametrize(
    ("seen", "name", "reason"),
    [
        pytest.param((), "created", "", id="nothing"),
        pytest.param(START[:1], "building", "", id="building"),
        pytest.param(START, "starting", "", id="spawned"),
        pytest.param(RUN, "running", "", id="running"),
        pytest.param((*START, Started()), "running", "", id="answer-before-event"),
        pytest.param(
            (*START, Started(paused=PauseReason.START_STRATEGY)),
            "paused",
            "start-strategy",
            id="start-strategy",
        ),
        pytest.param((*RUN, Acted(act=Act.PAUSE), STOP), "paused", "user", id="paused-by-us"),
        pytest.param((*RUN, STOP), "paused", "user", id="paused-at-the-debug-monitor"),
        pytest.param((*RUN, IO_ERROR, STOP), "paused", "io-error", id="io-error"),
        pytest.param(
            (*RUN, Event(name="BLOCK_IO_ERROR", data={"action": "report"})),
            "running",
            "",
            id="io-error-told-to-the-guest",
        ),
        pytest.param(
            (*RUN, Event(name="WATCHDOG", data={"action": "pause"}), STOP),
            "paused",
            "watchdog",
            id="watchdog",
        ),
        pytest.param((*RUN, PANIC, STOP), "paused", "panicked", id="panicked-and-kept"),
        pytest.param(
            (*RUN, STOP, Status(status="internal-error")),
            "paused",
            "internal-error",
            id="status-says-more-than-stop",
        ),
        pytest.param((*RUN, STOP, RESUME), "running", "", id="resumed"),
        pytest.param((*RUN, IO_ERROR, STOP, RESUME, STOP), "paused", "user", id="cause-is-used-up"),
        pytest.param((*START, RESUME, STOP, Started()), "paused", "user", id="stop-before-started"),
        pytest.param((*RUN, Event(name="SUSPEND")), "paused", "suspended", id="suspended"),
        pytest.param(
            (*RUN, Event(name="SUSPEND"), Event(name="WAKEUP")), "running", "", id="woken"
        ),
        pytest.param((*RUN, Acted(act=Act.STOP)), "stopping", "power-button", id="asked-to-stop"),
        pytest.param(
            (*RUN, STOP, Acted(act=Act.STOP), RESUME), "stopping", "power-button", id="no-way-back"
        ),
        pytest.param((*RUN, GUEST_OFF), "stopping", "guest-shutdown", id="guest-powers-off"),
        pytest.param((*RUN, Acted(act=Act.REBOOT), GUEST_OFF, STOP), "running", "", id="reset-due"),
        pytest.param(
            (*RUN, Acted(act=Act.REBOOT), GUEST_OFF, STOP, Acted(act=Act.REBOOT_OVER), RESUME),
            "running",
            "",
            id="rebooted",
        ),
        pytest.param((*RUN, Acted(act=Act.REBOOT), STOP), "paused", "user", id="pause-in-reboot"),
        pytest.param((*RUN, Event(name="NEVER_HEARD_OF")), "running", "", id="unknown-event"),
        pytest.param((*RUN, Status(status="running")), "running", "", id="nothing-new"),
    ],
)
def test_state(seen: tuple[Seen, ...], name: str, reason: str) -> None:
    state = after(*seen).state
    assert (state.name, state.reason) == (name, reason)


@pytest.mark.parametrize(
    ("seen", "kind", "message"),
    [
        pytest.param(
            (*RUN, GUEST_OFF), "guest-shutdown", "The guest powered off.", id="guest-shutdown"
        ),
        pytest.param(
            (*RUN, Acted(act=Act.STOP), GUEST_OFF),
            "guest-shutdown",
            "The guest powered off.",
            id="power-button-obeyed",
        ),
        pytest.param(
            (*RUN, GUEST_OFF, Acted(act=Act.KILL, why="late")),
            "guest-shutdown",
            "The guest powered off.",
            id="off-before-the-kill",
        ),
        pytest.param(
            (*RUN, Event(name="SHUTDOWN", data={"guest": True, "reason": "guest-reset"})),
            "guest-shutdown",
            "The guest powered off.",
            id="reboot-policy-terminate",
        ),
        pytest.param(
            (*RUN, Acted(act=Act.KILL, why="its grace period of 30 s is over"), HOST_OFF),
            "killed",
            "QEMU was ended: its grace period of 30 s is over.",
            id="ladder",
        ),
        pytest.param(
            (*RUN, Acted(act=Act.KILL, why="first"), Acted(act=Act.KILL, why="second")),
            "killed",
            "QEMU was ended: first.",
            id="sigkill-without-event",
        ),
        pytest.param(
            (*RUN, HOST_OFF), "killed", "QEMU was ended: host-qmp-quit.", id="quit-by-somebody"
        ),
        pytest.param((*RUN,), "crashed", "QEMU died by itself (signal 9).", id="crashed"),
        pytest.param(
            (*RUN, Acted(act=Act.STOP)),
            "crashed",
            "QEMU died by itself (signal 9).",
            id="crashed-while-stopping",
        ),
        pytest.param(
            (
                *RUN,
                PANIC,
                STOP,
                Event(name="SHUTDOWN", data={"guest": True, "reason": "guest-panic"}),
            ),
            "panicked",
            "The guest's kernel panicked.",
            id="panicked",
        ),
        pytest.param(
            (*RUN, PANIC, STOP, Acted(act=Act.KILL, why="enough")),
            "panicked",
            "The guest's kernel panicked.",
            id="panicked-then-killed",
        ),
        pytest.param(
            (*RUN, PANIC, Event(name="RESET"), GUEST_OFF),
            "guest-shutdown",
            "The guest powered off.",
            id="panicked-then-rebooted",
        ),
        pytest.param((*START,), "failed", "QEMU did not start (signal 9).", id="never-ran"),
        pytest.param(
            (*START, Acted(act=Act.KILL, why="no")), "killed", "QEMU was ended: no.", id="aborted"
        ),
        pytest.param(
            (
                *RUN,
                Acted(act=Act.REBOOT),
                GUEST_OFF,
                Acted(act=Act.STOP),
                Acted(act=Act.REBOOT_OVER),
            ),
            "guest-shutdown",
            "The guest powered off.",
            id="stopped-while-off-for-a-reboot",
        ),
    ],
)
def test_ending(seen: tuple[Seen, ...], kind: str, message: str) -> None:
    track = after(*seen, Exited(code=137, signal=9, last_line="oops"))
    assert track.state == State(
        name=StateName.ENDED,
        reason=kind,
        since=f"t{len(seen) + 1}",
        ending=Ending(kind=EndingKind(kind), code=137, signal=9, message=message, last_line="oops"),
    )


def test_a_message_of_ours_explains_better_than_a_status() -> None:
    ending = after(*RUN, Exited(signal=9, message="it sent garbage")).state.ending
    assert ending is not None and ending.message == "it sent garbage"


def test_the_agent_flag_follows_its_port_and_ends_with_qemu() -> None:
    connected = after(*RUN, AgentPort(open=True))
    assert (connected.state.agent, connected.state.since) == (True, "t3")
    assert not step(connected, AgentPort(open=False), "t").state.agent
    assert not step(connected, Exited(), "t").state.agent


def test_the_state_of_the_wire() -> None:
    track = after(*RUN, GUEST_OFF, Exited())
    assert json.loads(json.dumps(track.state.to_json())) == {
        "name": "ended",
        "reason": "guest-shutdown",
        "since": "t6",
        "pid": None,
        "agent": False,
        "ending": {
            "kind": "guest-shutdown",
            "code": 0,
            "signal": 0,
            "message": "The guest powered off.",
            "last_line": "",
        },
    }


EVENTS = st.builds(
    Event,
    name=st.sampled_from(
        [
            *("STOP", "RESUME", "RESET", "SHUTDOWN", "SUSPEND", "WAKEUP"),
            *("GUEST_PANICKED", "WATCHDOG", "BLOCK_IO_ERROR", "X"),
        ]
    ),
    data=st.fixed_dictionaries(
        {},
        optional={
            "guest": st.booleans(),
            "reason": st.sampled_from(["guest-shutdown", "guest-panic", "host-signal"]),
            "action": st.sampled_from(["stop", "pause", "report"]),
        },
    ),
)
ANYTHING = st.one_of(
    st.builds(Acted, act=st.sampled_from(Act)),
    st.just(Spawned(pid=7)),
    st.builds(Started, paused=st.sampled_from([None, *PauseReason])),
    EVENTS,
    st.builds(Status, status=st.sampled_from(["running", "paused", "shutdown", "io-error", "?"])),
    st.builds(AgentPort, open=st.booleans()),
    st.builds(Exited, code=st.integers(0, 255)),
)


@given(st.lists(ANYTHING, max_size=12))
def test_no_order_of_things_breaks_the_law_of_transitions(seen: list[Seen]) -> None:
    track = created("t")
    for one in seen:
        before, track = track, step(track, one, "t")
        name = track.state.name
        assert name is before.state.name or name in TRANSITIONS[before.state.name]
        assert (track.state.ending is not None) == (name is StateName.ENDED)
        assert (track.state.reason != "") >= (name is StateName.PAUSED)


def test_every_state_is_in_the_law_and_ends() -> None:
    assert set(TRANSITIONS) == set(StateName)
    reach = {StateName.ENDED}
    for _ in StateName:
        reach |= {name for name, after in TRANSITIONS.items() if after & reach}
    assert reach == set(StateName)


@pytest.mark.parametrize(
    ("kind", "acpi", "grace", "phase"),
    [
        ("guest-shutdown", True, 30, "Succeeded"),
        ("guest-shutdown", False, 0, "Succeeded"),
        ("killed", True, 30, "Failed"),
        ("killed", True, 0, "Succeeded"),
        ("killed", False, 30, "Succeeded"),
        ("killed", False, 0, "Succeeded"),
        ("crashed", True, 0, "Failed"),
        ("panicked", False, 0, "Failed"),
        ("failed", True, 30, "Failed"),
    ],
)
def test_phase(kind: str, acpi: bool, grace: int, phase: str) -> None:
    assert phase_of(Ending(kind=EndingKind(kind), message=""), acpi, grace) == phase
