"""VMs of a pool whose template has changed, and those that never start. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from virtcrds import Duration

from ... import conditions
from ...kinds import VM, VMI
from ..actions import Action, Change, Delete, Tell
from ..trees import at, is_deleting, merge_patch, meta, name_of, uid_of
from .choosing import in_order
from .member import REVISION_LABEL, is_current, revision, updated_spec
from .observed import Observed

_FAILURES = 3
_FAILING_FOR = "5m"
Json = dict[str, Any]


def update(seen: Observed, vms: Sequence[Json]) -> list[Action]:
    """Bring VMs to the present template, and restart what runs the old one, by the strategy."""
    strategy = at(seen.pool, "spec", "updateStrategy") or {}
    if "unmanaged" in strategy:
        return []
    outdated = [vm for vm in vms if not is_current(seen.pool, vm)]
    if outdated:
        return [_adjust(seen.pool, vm) for vm in outdated]
    if "opportunistic" in strategy:
        return []
    policy = at(strategy, "proactive", "selectionPolicy") or {}
    waiting = [vm for vm in vms if _needs_restart(vm) and _runs(seen, vm)]
    return [_restart(seen, vm) for vm in in_order(seen, waiting, policy)[: _may_be_down(seen, vms)]]


def hopeless(seen: Observed, vms: Sequence[Json]) -> list[Json]:
    """VMs that fail to start again and again, where the pool is to replace them."""
    rule = at(seen.pool, "spec", "autohealing")
    if rule is None:
        return []
    threshold = rule.get("startUpFailureThreshold") or _FAILURES
    patience = Duration(rule.get("minFailingToStartDuration") or _FAILING_FOR).seconds
    return [
        vm
        for vm in vms
        if int(at(vm, "status", "startFailure", "consecutiveFailCount") or 0) >= threshold
        and _unready_for(seen, vm) >= patience
    ]


def _adjust(pool: Json, vm: Json) -> Change:
    labels = (at(pool, "spec", "virtualMachineTemplate", "metadata") or {}).get("labels") or {}
    new_labels = {**labels, REVISION_LABEL: revision(pool)}
    return Change(
        kind=VM,
        namespace=meta(vm)["namespace"],
        name=name_of(vm),
        patch={
            "metadata": {"labels": new_labels},
            "spec": merge_patch(vm["spec"], updated_spec(pool, vm)),
        },
        version=str(meta(vm).get("resourceVersion", "")),
        told=(
            Tell(
                about=pool,
                reason="SuccessfulUpdate",
                message=f"Updated the virtual machine {name_of(vm)}",
            ),
        ),
    )


def _restart(seen: Observed, vm: Json) -> Delete:
    """The VM makes itself another instance."""
    vmi = seen.vmis[name_of(vm)]
    return Delete(kind=VMI, namespace=meta(vmi)["namespace"], name=name_of(vmi), uid=uid_of(vmi))


def _needs_restart(vm: Json) -> bool:
    return conditions.is_true(at(vm, "status", "conditions"), "RestartRequired")


def _runs(seen: Observed, vm: Json) -> bool:
    vmi = seen.vmis.get(name_of(vm))
    return vmi is not None and not is_deleting(vmi)


def _may_be_down(seen: Observed, vms: Sequence[Json]) -> int:
    """How many more VMs may be taken down now."""
    limit = at(seen.pool, "spec", "maxUnavailable")
    down = sum(not at(vm, "status", "ready") for vm in vms)
    if limit is None:
        return len(vms)
    if isinstance(limit, str) and limit.endswith("%"):
        return max(math.floor(len(vms) * int(limit[:-1]) / 100) - down, 0)
    return max(int(limit) - down, 0)


def _unready_for(seen: Observed, vm: Json) -> float:
    ready = conditions.find(at(vm, "status", "conditions"), "Ready") or {}
    since = ready.get("lastTransitionTime")
    if ready.get("status") == "True" or not since:
        return 0
    return (seen.now - conditions.parsed(since)).total_seconds()
