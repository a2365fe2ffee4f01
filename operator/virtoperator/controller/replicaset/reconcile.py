"""What is to be done about one replica set: (observed) -> actions. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import virtcrds
from virtcrds import InvalidObject

from ... import conditions
from ...kinds import REPLICASET, VMI
from ..actions import Action, Again, Change, Create, Delete, Failure, Tell, Tone
from ..draft import Draft
from ..selectors import takes, text_of
from ..trees import at, copied, is_deleting, labels_of, meta, name_of, owner_reference, uid_of
from ..vmi.phases import is_final
from .observed import Observed
from .replicas import Replicas, sort_out

BURST = 250
"""VMIs that one pass makes or deletes at most; KubeVirt's number."""
PAUSED, FAILURE = "ReplicaPaused", "ReplicaFailure"
_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"
Json = dict[str, Any]


def reconcile(seen: Observed) -> list[Action]:
    """The next step; none when there are as many as there should be, and the status says so."""
    replicaset = seen.replicaset
    if is_deleting(replicaset):
        return []  # What it made goes by its owner references, or stays when that was wished.
    replicas = sort_out(seen.own, seen.now)
    adopted = [vmi for vmi in seen.orphans if _fits(replicaset, vmi)]
    released = [vmi for vmi in seen.own if not takes(_selector(replicaset), labels_of(vmi))]
    if (adopted or released) and not at(replicaset, "spec", "paused"):
        return [*map(_adoption(replicaset), adopted), *map(_release, released)]
    if mistakes := _mistakes(seen):
        return _say(seen, replicas, "FailedCreate", mistakes)
    scaling = [] if at(replicaset, "spec", "paused") else _scale(seen, replicas)
    cleaning: list[Action] = [_deletion(replicaset, vmi) for vmi in replicas.finished]
    again: list[Action] = [Again(seconds=replicas.held_for)] if replicas.held_for else []
    return [*_say(seen, replicas), *scaling, *cleaning, *again]


def report(seen: Observed, failure: Failure) -> list[Action]:
    """What is said about an action of `reconcile` that the API server refused."""
    what = "FailedDelete" if isinstance(failure.action, Delete) else "FailedCreate"
    return _say(seen, sort_out(seen.own, seen.now), what, failure.message)


def _scale(seen: Observed, replicas: Replicas) -> list[Action]:
    wanted = at(seen.replicaset, "spec", "replicas")
    missing = (1 if wanted is None else int(wanted)) - len(replicas.active) - replicas.held
    if missing < 0:
        surplus = replicas.surplus(min(-missing, BURST))
        return [_deletion(seen.replicaset, vmi) for vmi in surplus]
    taken = {name_of(vmi) for vmi in seen.own}
    names = _names(seen.replicaset, taken, min(missing, BURST))
    return [_creation(seen.replicaset, name) for name in names]


def _names(replicaset: Json, taken: set[str], count: int) -> Sequence[str]:
    """Names as the API server would make them, but the same for whoever sees the same set."""
    template = at(replicaset, "spec", "template", "metadata") or {}
    prefix = template.get("name") or template.get("generateName") or name_of(replicaset)
    found: list[str] = []
    number = 0
    while len(found) < count:
        seed = f"{uid_of(replicaset)}/{meta(replicaset).get('resourceVersion')}/{number}"
        digest = hashlib.sha256(seed.encode()).digest()
        name = prefix + "".join(_SUFFIX[byte % len(_SUFFIX)] for byte in digest[:5])
        if name not in taken and name not in found:
            found.append(name)
        number += 1
    return found


def _creation(replicaset: Json, name: str) -> Create:
    template = replicaset["spec"]["template"]
    own = at(template, "metadata") or {}
    return Create(
        kind=VMI,
        body={
            "apiVersion": VMI.api_version,
            "kind": VMI.kind,
            "metadata": {
                "name": name,
                "namespace": meta(replicaset)["namespace"],
                "labels": dict(own.get("labels") or {}),
                "annotations": dict(own.get("annotations") or {}),
                "ownerReferences": [owner_reference(replicaset)],
            },
            "spec": copied(template["spec"]),
        },
        told=Tell(
            about=replicaset,
            reason="SuccessfulCreate",
            message="Started the virtual machine by creating the new virtual machine instance "
            + name,
        ),
        failed=Tell(
            about=replicaset,
            reason="FailedCreate",
            message="Error creating virtual machine instance: ",
            tone=Tone.WARNING,
        ),
    )


def _deletion(replicaset: Json, vmi: Json) -> Delete:
    return Delete(
        kind=VMI,
        namespace=meta(vmi)["namespace"],
        name=name_of(vmi),
        uid=uid_of(vmi),
        told=Tell(
            about=replicaset,
            reason="SuccessfulDelete",
            message="Stopped the virtual machine by deleting the virtual machine instance "
            + name_of(vmi),
        ),
        failed=Tell(
            about=replicaset,
            reason="FailedDelete",
            message="Error deleting virtual machine instance: ",
            tone=Tone.WARNING,
        ),
    )


def _fits(replicaset: Json, vmi: Json) -> bool:
    return (
        takes(_selector(replicaset), labels_of(vmi)) and not is_deleting(vmi) and not is_final(vmi)
    )


def _adoption(replicaset: Json) -> Any:
    def adopt(vmi: Json) -> Change:
        owners = [*(meta(vmi).get("ownerReferences") or ()), owner_reference(replicaset)]
        return _owners(vmi, owners)

    return adopt


def _release(vmi: Json) -> Change:
    owners = meta(vmi).get("ownerReferences") or ()
    return _owners(vmi, [owner for owner in owners if not owner.get("controller")])


def _owners(vmi: Json, owners: list[Json]) -> Change:
    return Change(
        kind=VMI,
        namespace=meta(vmi)["namespace"],
        name=name_of(vmi),
        patch={"metadata": {"ownerReferences": owners}},
        version=str(meta(vmi).get("resourceVersion", "")),
    )


def _selector(replicaset: Json) -> Json:
    selector = at(replicaset, "spec", "selector")
    return selector if isinstance(selector, dict) else {}


def _mistakes(seen: Observed) -> str:
    """What keeps its VMIs from ever being made; '' when nothing does."""
    try:
        parsed = virtcrds.parse(seen.replicaset).object
    except InvalidObject as error:
        return str(error)
    violations = virtcrds.validate(parsed, seen.settings.config)
    return ", ".join(violation.message for violation in violations)


def _say(seen: Observed, replicas: Replicas, reason: str = "", message: str = "") -> list[Action]:
    """The status: numbers, and why there are not as many as were asked for."""
    draft = Draft(REPLICASET, seen.replicaset, seen.now)
    status = draft.status
    status["replicas"] = len(replicas.active)
    status["readyReplicas"] = replicas.ready
    status["labelSelector"] = text_of(_selector(seen.replicaset))
    _say_paused(draft)
    if reason:
        draft.set_condition(FAILURE, True, reason, message)
    else:
        draft.drop_condition(FAILURE)
    return draft.changes_by_subresource()


def _say_paused(draft: Draft) -> None:
    paused = bool(at(draft.tree, "spec", "paused"))
    was = conditions.is_true(draft.conditions, PAUSED)
    if paused and not was:
        draft.set_condition(PAUSED, True, "Paused", "Controller got paused")
        draft.tell(Tell(about=draft.tree, reason="SuccessfulPaused", message="Paused"))
    elif was and not paused:
        draft.drop_condition(PAUSED)
        draft.tell(Tell(about=draft.tree, reason="SuccessfulResumed", message="Resumed"))
