"""Conditions change only where something changed."""

from __future__ import annotations

import datetime

from virtoperator.conditions import condition, find, is_true, merged

EARLY = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
LATE = EARLY + datetime.timedelta(minutes=1)


def test_what_says_the_same_keeps_its_time() -> None:
    ready = condition("Ready", False, reason="PodNotExists", message="not yet")
    old = merged([], [ready], owned=["Ready"], now=EARLY)
    assert merged(old, [ready], owned=["Ready"], now=LATE) == old


def test_a_new_reason_is_no_transition() -> None:
    old = merged([], [condition("Ready", False, reason="A")], owned=[], now=EARLY)
    new = merged(old, [condition("Ready", False, reason="B")], owned=[], now=LATE)
    assert new[0]["reason"] == "B"
    assert new[0]["lastTransitionTime"] == "2026-01-01T00:00:00Z"


def test_a_new_status_is_a_transition() -> None:
    old = merged([], [condition("Ready", False)], owned=[], now=EARLY)
    new = merged(old, [condition("Ready", True)], owned=[], now=LATE)
    assert new[0]["lastTransitionTime"] == "2026-01-01T00:01:00Z"


def test_others_conditions_stay_and_own_ones_go_when_unwanted() -> None:
    old = [condition("Paused", True), condition("AgentConnected", True)]
    new = merged(old, [], owned=["AgentConnected"], now=LATE)
    assert new == [condition("Paused", True)]
    assert is_true(new, "Paused")
    assert find(new, "AgentConnected") is None
