"""When a VM runs: KubeVirt's table of run strategies. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, assert_never

from ..trees import at, is_deleting
from ..vmi.phases import Phase, phase_of
from .requests import START, asks_start, asks_stop

Json = dict[str, Any]


class RunStrategy(StrEnum):
    ALWAYS = "Always"
    RERUN_ON_FAILURE = "RerunOnFailure"
    MANUAL = "Manual"
    HALTED = "Halted"
    ONCE = "Once"
    WAIT_AS_RECEIVER = "WaitAsReceiver"

    @property
    def restarts(self) -> bool:
        """Whether starts that fail are repeated, with growing pauses."""
        return self in (RunStrategy.ALWAYS, RunStrategy.RERUN_ON_FAILURE, RunStrategy.ONCE)


class Step(StrEnum):
    """What is done with the instance."""

    NONE = "none"
    CREATE = "create"
    DELETE = "delete"
    FLIP = "flip"
    """A start was asked for although the VM is halted: it becomes one that always runs."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Decision:
    step: Step
    requests: tuple[Json, ...] = ()
    """The requests that are left, with those that are new."""


class UnknownStrategy(ValueError):
    """The VM's own words about when to run cannot be followed."""


def strategy_of(vm: Json) -> RunStrategy:
    """Raises UnknownStrategy."""
    spec = vm["spec"]
    running, strategy = spec.get("running"), spec.get("runStrategy")
    if running is not None and strategy is not None:
        raise UnknownStrategy("running and runStrategy are mutually exclusive")
    if strategy is None:
        return RunStrategy.ALWAYS if running else RunStrategy.HALTED
    try:
        return RunStrategy(strategy)
    except ValueError:
        raise UnknownStrategy(f"spec.runStrategy {strategy!r:.80} is not known") from None


def decide(strategy: RunStrategy, vm: Json, vmi: Json | None, requests: Sequence[Json]) -> Decision:
    """The next step, pauses between failing starts aside. `requests`: those still pending."""
    left = tuple(requests)
    if vmi is not None and is_deleting(vmi):
        return Decision(step=Step.NONE, requests=left)
    if vmi is None:
        return Decision(step=_without_instance(strategy, vm, requests), requests=left)
    step = Step.DELETE if _ends(strategy, vmi, requests) else Step.NONE
    failed = phase_of(vmi) is Phase.FAILED and not requests
    if strategy is RunStrategy.RERUN_ON_FAILURE and failed:
        left = ({"action": START},)
    return Decision(step=step, requests=left)


def _without_instance(strategy: RunStrategy, vm: Json, requests: Sequence[Json]) -> Step:
    match strategy:
        case RunStrategy.ALWAYS | RunStrategy.ONCE:
            return Step.CREATE
        case RunStrategy.RERUN_ON_FAILURE:
            # A strategy that was just switched to means: start.
            new = at(vm, "status", "runStrategy") != strategy
            return Step.CREATE if new or asks_start(requests) else Step.NONE
        case RunStrategy.MANUAL:
            return Step.CREATE if asks_start(requests) else Step.NONE
        case RunStrategy.HALTED:
            return Step.FLIP if asks_start(requests) else Step.NONE
        case RunStrategy.WAIT_AS_RECEIVER:
            return Step.NONE
        case _:
            assert_never(strategy)


def _ends(strategy: RunStrategy, vmi: Json, requests: Sequence[Json]) -> bool:
    """Whether the instance is to be deleted."""
    match strategy:
        case RunStrategy.ALWAYS | RunStrategy.RERUN_ON_FAILURE:
            return asks_stop(requests, vmi) or phase_of(vmi).final
        case RunStrategy.MANUAL:
            return asks_stop(requests, vmi)
        case RunStrategy.HALTED:
            return True
        case RunStrategy.ONCE | RunStrategy.WAIT_AS_RECEIVER:
            return False
        case _:
            assert_never(strategy)
