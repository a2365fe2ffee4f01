"""Defaulting a VirtualMachine: little, because its template stays the user's own."""

from __future__ import annotations

from ..clusterconfig import DEFAULT_CONFIG, ClusterConfig
from ..core.firmware import Firmware
from ..core.vm import InstancetypeMatcher, VirtualMachine, VirtualMachineInstanceTemplateSpec
from . import domain
from .evolve import evolve, filled
from .instance import with_pci_topology

CLUSTER_INSTANCETYPE = "virtualmachineclusterinstancetype"
CLUSTER_PREFERENCE = "virtualmachineclusterpreference"


def default_vm(
    vm: VirtualMachine,
    config: ClusterConfig = DEFAULT_CONFIG,
    *,
    firmware_uuid: str = "",
    firmware_serial: str = "",
) -> VirtualMachine:
    """The VM as KubeVirt's webhook stores it at creation.

    `firmware_uuid` and `firmware_serial` are for a VM that brings none, and are made up by the
    caller; they keep the guest's identity over restarts. Never raises.
    """
    spec = evolve(
        vm.spec,
        instancetype=_matcher(vm.spec.instancetype, CLUSTER_INSTANCETYPE),
        preference=_matcher(vm.spec.preference, CLUSTER_PREFERENCE),
    )
    if spec.template is not None:
        identity = {"uuid": firmware_uuid, "serial": firmware_serial}
        spec = evolve(spec, template=_template(spec.template, config, identity))
    return evolve(vm, spec=spec)


def _matcher(matcher: InstancetypeMatcher | None, kind: str) -> InstancetypeMatcher | None:
    # A name that is inferred from a volume brings its kind along.
    if matcher is None or matcher.infer_from_volume:
        return matcher
    return filled(matcher, {"kind": kind})


def _template(
    template: VirtualMachineInstanceTemplateSpec, config: ClusterConfig, identity: dict[str, str]
) -> VirtualMachineInstanceTemplateSpec:
    spec = domain.machine_type(domain.architecture(template.spec, config), config)
    firmware = filled(spec.domain.firmware or Firmware(), identity)
    if firmware.model_fields_set:
        spec = evolve(spec, domain=evolve(spec.domain, firmware=firmware))
    metadata = evolve(template.metadata, annotations=with_pci_topology(template.metadata, spec))
    return evolve(template, spec=spec, metadata=metadata)
