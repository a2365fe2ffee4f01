"""Rules about a VirtualMachine: when it runs, and what its instances are made from."""

from __future__ import annotations

from collections.abc import Iterator

from ..clusterconfig import ClusterConfig
from ..core.vm import InstancetypeMatcher, VirtualMachine, VirtualMachineSpec
from ..violation import Violation
from . import datavolumes
from .causes import invalid, not_found, required
from .instance import template_violations
from .path import Path

_RUN_STRATEGIES = ("Halted", "Manual", "Always", "RerunOnFailure", "Once")
_INFERENCE_FAILURE_POLICIES = ("Ignore", "Reject")


def machine_violations(vm: VirtualMachine, config: ClusterConfig) -> Iterator[Violation]:
    if vm.metadata.deletion_timestamp is not None:
        # Nothing may stand in the way of a VM that goes.
        return
    yield from machine_spec_violations(Path("spec"), vm.spec, config)
    yield from datavolumes.namespaces(Path("spec"), vm.spec, vm.metadata.namespace)


def machine_spec_violations(
    field: Path, spec: VirtualMachineSpec, config: ClusterConfig
) -> Iterator[Violation]:
    """The spec of a VM, or of the VMs of a pool (`field` says where it stands)."""
    yield from _matcher(field / "instancetype", "Instancetype", spec.instancetype)
    yield from _matcher(field / "preference", "Preference", spec.preference)
    if spec.template is None:
        yield required(field / "template", "missing virtual machine template.")
        return
    template = spec.template
    yield from template_violations(field / "template", template.metadata, template.spec, config)
    yield from datavolumes.templates(field, spec, template.spec.volumes)
    yield from _run_strategy(field, spec, config)


def _run_strategy(
    field: Path, spec: VirtualMachineSpec, config: ClusterConfig
) -> Iterator[Violation]:
    strategy = spec.run_strategy
    if spec.running is not None and strategy is not None:
        yield invalid(
            field / "running",
            "Running and RunStrategy are mutually exclusive. "
            "Note that Running is deprecated, please use RunStrategy instead",
        )
    if spec.running is None and strategy is None:
        yield invalid(field / "running", "RunStrategy must be specified")
    if strategy == "WaitAsReceiver":
        if not config.enabled("DecentralizedLiveMigration"):
            yield invalid(
                field / "runStrategy",
                f"Invalid RunStrategy ({strategy}), DecentralizedLiveMigration feature gate "
                "is not enabled in kubevirt resource",
            )
    elif strategy is not None and strategy not in _RUN_STRATEGIES:
        yield invalid(field / "runStrategy", f"Invalid RunStrategy ({strategy})")


def _matcher(path: Path, kind: str, matcher: InstancetypeMatcher | None) -> Iterator[Violation]:
    if matcher is None:
        return
    inferred = "should not be provided when InferFromVolume is used within the"
    if not matcher.name and not matcher.infer_from_volume:
        yield not_found(
            path, f"Either Name or InferFromVolume should be provided within the {kind}Matcher"
        )
    if matcher.infer_from_volume and matcher.name:
        yield not_found(path / "name", f"Name {inferred} {kind}Matcher")
    if matcher.infer_from_volume and matcher.kind:
        yield not_found(path / "kind", f"Kind {inferred} {kind}Matcher")
    policy = matcher.infer_from_volume_failure_policy
    if policy is not None and policy not in _INFERENCE_FAILURE_POLICIES:
        yield invalid(
            path / "inferFromVolumeFailurePolicy",
            f"Invalid value '{policy}' for InferFromVolumeFailurePolicy",
        )
