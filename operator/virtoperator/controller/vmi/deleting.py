"""A VMI that is being deleted: its pods go first, then its finalizers. Pure."""

from __future__ import annotations

from typing import Any

from ... import names
from ..actions import Action
from ..draft import Draft
from ..trees import meta
from .accompanying import accompany
from .observed import Observed
from .phases import Phase, enter, phase_of
from .readiness import set_ready
from .scheduling import delete_pods

Json = dict[str, Any]


def delete(seen: Observed, draft: Draft, pod: Json | None) -> list[Action]:
    """The pods' deletion makes the launchers power the guest down; virt-handler says how it ended.

    What never came to a node ends here.
    """
    actions = delete_pods(draft.tree, seen.pods)
    phase = phase_of(draft.tree)
    if phase.of_the_node:
        actions += accompany(seen, draft, pod)
    elif not phase.final:
        enter(draft, Phase.FAILED)
        draft.drop_condition("Synchronized", "PodScheduled")
        set_ready(draft, pod)
    if not seen.pods and phase_of(draft.tree).final:
        drop_finalizers(seen, draft)
    return [*actions, *draft.changes()]


def drop_finalizers(seen: Observed, draft: Draft) -> None:
    """Ours; and the VM's, when no VM is there to take note."""
    if not meta(draft.tree).get("finalizers"):
        return
    draft.drop_finalizers(names.VMI_FINALIZER)
    if not seen.owner_exists:
        draft.drop_finalizers(names.VM_FINALIZER)
