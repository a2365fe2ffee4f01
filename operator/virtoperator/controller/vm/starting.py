"""Starting and stopping: the actions that make, and end, a VM's instance. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...kinds import REVISION, VMI
from ..actions import Action, Create, Delete, Tell, Tone
from ..trees import meta, name_of, uid_of
from .instance import instance, revision_name, start_revision

Json = dict[str, Any]


def start(vm: Json, revisions: Sequence[Json], *, paused: bool) -> list[Action]:
    """The revision first, so that an instance can always be compared with what it came from."""
    name = name_of(vm)
    present = {name_of(revision) for revision in revisions}
    made: list[Action] = []
    if revision_name(vm) not in present:
        made.append(Create(kind=REVISION, body=start_revision(vm)))
    vmi = Create(
        kind=VMI,
        body=instance(vm, paused=paused),
        told=Tell(
            about=vm,
            reason="SuccessfulCreate",
            message="Started the virtual machine by creating the new virtual machine instance "
            + name,
        ),
        failed=Tell(
            about=vm,
            reason="FailedCreate",
            message="Error creating virtual machine instance: ",
            tone=Tone.WARNING,
        ),
    )
    return [*made, vmi, *_forget(vm, revisions)]


def stop(vm: Json, vmi: Json) -> Delete:
    """Delete the instance; its guest is powered down."""
    return Delete(
        kind=VMI,
        namespace=meta(vmi)["namespace"],
        name=name_of(vmi),
        uid=uid_of(vmi),
        told=Tell(
            about=vm,
            reason="SuccessfulDelete",
            message="Stopped the virtual machine by deleting the virtual machine instance "
            + name_of(vmi),
        ),
        failed=Tell(
            about=vm,
            reason="FailedDelete",
            message="Error deleting virtual machine instance: ",
            tone=Tone.WARNING,
        ),
    )


def _forget(vm: Json, revisions: Sequence[Json]) -> list[Action]:
    """Revisions of earlier starts: no instance was made from them any more."""
    return [
        Delete(
            kind=REVISION,
            namespace=meta(revision)["namespace"],
            name=name_of(revision),
            uid=uid_of(revision),
        )
        for revision in revisions
        if name_of(revision) != revision_name(vm)
    ]
