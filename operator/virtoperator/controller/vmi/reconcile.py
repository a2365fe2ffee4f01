"""What is to be done about one VMI: (observed) -> actions. Pure."""

from __future__ import annotations

from ...kinds import POD, VMI
from ..actions import Action, Create, Failure
from ..draft import Draft
from ..trees import is_deleting
from .accompanying import accompany
from .deleting import delete
from .observed import Observed, current_pod, strays
from .phases import Phase, phase_of
from .readiness import set_ready
from .scheduling import delete_pods, follow_pod
from .starting import adopt, create_refused, start


def reconcile(seen: Observed) -> list[Action]:
    """The next step; none when everything is as it should be."""
    draft = Draft(VMI, seen.vmi, seen.now)
    pod = current_pod(seen)
    phase = phase_of(seen.vmi)
    if is_deleting(seen.vmi):
        return delete(seen, draft, pod)
    if phase.before_the_pod:
        return start(seen, draft) if pod is None else adopt(seen, draft, pod)
    if phase is Phase.SCHEDULING:
        return follow_pod(seen, draft, pod)
    if phase.of_the_node:
        return [*accompany(seen, draft, pod), *draft.changes()]
    if phase.final:
        set_ready(draft, pod)
        return [*delete_pods(seen.vmi, strays(seen)), *draft.changes()]
    return draft.changes()


def report(seen: Observed, failure: Failure) -> list[Action]:
    """What is said about an action of `reconcile` that the API server refused."""
    draft = Draft(VMI, seen.vmi, seen.now)
    if isinstance(failure.action, Create) and failure.action.kind is POD:
        return create_refused(draft, failure)
    return []
