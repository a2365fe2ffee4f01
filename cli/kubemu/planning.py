"""Everything about a run that can be known, or refused, before anything is pulled or made."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping, Sequence
from enum import StrEnum

from virtlauncher.builder.support import unsupported
from virtlauncher.errors import LauncherError, Unsupported
from virtlauncher.facts import Accel, Facts, Forward, Nic, Qemu, Source

from . import checking, say
from .checking import Checked
from .errors import BadInput, Problem
from .folders import VmFolders
from .images.pull import PullPolicy
from .images.skopeo import Registry
from .manifests import Manifest, choose_machine, name_of, read_manifest
from .names import VmName
from .network import Publish, Wishes, plan_nics
from .sources import Given, claim_sizes
from .volumes import VolumePlan, plan_volumes
from .world import World

_NAMESPACE = uuid.UUID("5ad0ed1c-1f0c-4ee0-9d3e-5c8f6a3d0b27")
"""Ours, for UUIDs of guests that are the same in every run."""


class AccelChoice(StrEnum):
    AUTO = "auto"
    KVM = "kvm"
    TCG = "tcg"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Wish:
    """What the command line of `run` asks for."""

    file: str
    name: str = ""
    namespace: str = ""
    detach: bool = False
    time_limit: float | None = None
    accel: AccelChoice = AccelChoice.AUTO
    registry: Registry = dataclasses.field(default_factory=Registry)
    volumes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    publish: Sequence[Publish] = ()
    pull: PullPolicy | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Chosen:
    """The VM that is meant."""

    manifest: Manifest
    checked: Checked

    @property
    def vm(self) -> VmName:
        return self.checked.vm


@dataclasses.dataclass(frozen=True, kw_only=True)
class Engine:
    """What runs the guest."""

    qemu: Qemu
    accel: Accel


def choose(wish: Wish, world: World) -> Chosen:
    """Reads, checks and names the VM. Raises BadInput."""
    manifest = read_manifest(wish.file)
    document = choose_machine(manifest, wish.name, wish.file)
    vm = name_of(document, wish.name, wish.namespace, uuid.uuid4().hex[:5])
    identity = uuid.uuid5(_NAMESPACE, f"{world.machine_id()}/{vm}")
    return Chosen(manifest=manifest, checked=checking.check(document, vm, str(identity)))


def warn_about(chosen: Chosen) -> None:
    """What the author of the manifest should know, though it runs."""
    checked = chosen.checked
    report, document = checked.report, checked.document
    for path in report.unknown:
        say.warn(f"{document.source}:{document.line_of(path)}: unknown field {path}")
    for sentence in report.notes:
        say.warn(f"{document.source}: {sentence}")
    if report.not_acted_on:
        say.note(f"accepted, not acted on yet: {', '.join(report.not_acted_on)}")
    if report.kind == "VirtualMachine":
        say.note(f"{checked.vm} boots once: its run strategy is for a cluster")


def plan_volumes_of(chosen: Chosen, wish: Wish) -> VolumePlan:
    """Raises BadInput and Unsupported, naming file and line."""
    claims = {name: doc.tree.get("spec") for name, doc in chosen.manifest.claims.items()}
    given = Given(
        paths=wish.volumes,
        policy=wish.pull,
        claim_sizes=claim_sizes({**claims, **chosen.checked.claim_specs}),
    )
    try:
        return plan_volumes(chosen.checked.vmi, given, chosen.manifest.contents)
    except (BadInput, LauncherError) as error:
        raise located(error, chosen.checked) from error


def plan_nics_of(
    chosen: Chosen, wish: Wish, world: World, before: Sequence[Forward]
) -> dict[str, Nic]:
    wishes = Wishes(
        vm=chosen.vm, machine_id=world.machine_id(), publish=wish.publish, before=before
    )
    try:
        return plan_nics(chosen.checked.vmi, wishes)
    except (BadInput, LauncherError) as error:
        raise located(error, chosen.checked) from error


def facts_of(engine: Engine, nics: Mapping[str, Nic], folders: VmFolders) -> Facts:
    """All but the volumes, which may have to be pulled first."""
    return Facts(
        qemu=engine.qemu,
        accel=engine.accel,
        nics=nics,
        run_dir=str(folders.run),
        disk_dir=str(folders.disks),
        state_dir=str(folders.persistent),
        staged=True,
    )


def with_volumes(facts: Facts, sources: Mapping[str, Source]) -> Facts:
    return dataclasses.replace(facts, volumes=sources)


def refuse_unsupported(checked: Checked, facts: Facts) -> None:
    """Early, with line numbers, what the builder would refuse after all images were pulled."""
    found = unsupported(checked.vmi, facts)
    if found:
        problems = [
            Problem(
                where=checked.locate(violation.field),
                field=violation.field,
                message=f"{violation.field}: {violation.message}",
                reason=violation.reason,
            )
            for violation in found
        ]
        raise BadInput("", problems=problems, hint="kubemu does not do that yet")


def located(error: BadInput | LauncherError, checked: Checked) -> BadInput | LauncherError:
    """The error with file and line, when it names a field of the VMI."""
    field = error.field if isinstance(error, LauncherError) else error.where
    if not field.startswith(("spec.", "metadata.")):
        return error
    place = checked.locate(field)
    if isinstance(error, Unsupported):
        return BadInput(f"{field}: {error.message}", where=place, hint=error.hint)
    if isinstance(error, LauncherError):
        moved = type(error)(f"{field}: {error.message}", field=place, hint=error.hint)
        return moved
    return BadInput(f"{field}: {error.message}", where=place, hint=error.hint)
