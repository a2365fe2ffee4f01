"""A VM that was changed while it runs: what reaches the guest, what needs a restart. Pure."""

from __future__ import annotations

from typing import Any

from virtcrds.clusterconfig import RolloutStrategy

from ... import names
from ..draft import Draft
from ..trees import annotations_of, at, copied, meta

_LIVE = ("nodeSelector", "affinity", "tolerations")
"""Fields of the template that matter only when a pod is made: a change reaches the VMI at once."""
MESSAGE = "a non-live-updatable field was changed in the template spec"
Json = dict[str, Any]


def is_current(vm: Json, vmi: Json) -> bool:
    """Whether the instance was made from the VM as it is."""
    return observed_generation(vmi) == int(meta(vm).get("generation") or 0)


def observed_generation(vmi: Json) -> int:
    """The generation of the VM that the instance is as; 0 when it does not say."""
    text = annotations_of(vmi).get(names.VM_GENERATION, "")
    return int(text) if text.isascii() and text.isdecimal() else 0


def needs_restart(vm: Json, started_from: Json, rollout: RolloutStrategy) -> bool:
    """Whether the template differs from the one started from in what cannot change at runtime."""
    live = _LIVE if rollout is RolloutStrategy.LIVE_UPDATE else ()
    before = _neutral(at(started_from, "spec", "template", "spec") or {}, live)
    return before != _neutral(at(vm, "spec", "template", "spec") or {}, live)


def carry_over(vm: Json, vmi: Draft, rollout: RolloutStrategy) -> None:
    """The change needs no restart: the instance is as the VM's present generation then."""
    template = at(vm, "spec", "template", "spec") or {}
    for field in _LIVE if rollout is RolloutStrategy.LIVE_UPDATE else ():
        if field in template:
            vmi.tree["spec"][field] = template[field]
        else:
            vmi.tree["spec"].pop(field, None)
    vmi.metadata.setdefault("annotations", {})[names.VM_GENERATION] = str(meta(vm)["generation"])


def _neutral(spec: Json, live: tuple[str, ...]) -> Json:
    neutral = {key: value for key, value in copied(spec).items() if key not in live}
    # An identity that was written down later is the one that the guest had all along.
    (at(neutral, "domain", "firmware") or {}).pop("uuid", None)
    if at(neutral, "domain", "firmware") == {}:
        neutral["domain"].pop("firmware")
    return neutral
