"""All rules about a virtual machine instance, in the order in which KubeVirt complains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..clusterconfig import ClusterConfig
from ..core.vmi import VirtualMachineInstance, VirtualMachineInstanceSpec
from ..defaulting.instance import default, default_spec
from ..kubernetes.meta import ObjectMeta
from ..violation import Violation
from . import (
    attachments,
    cloudinit,
    cpu,
    credentials,
    devices,
    disks,
    dns,
    encryption,
    features,
    firmware,
    identity,
    interfaces,
    lifecycle,
    memory,
    metadata,
    networks,
    pinning,
    platform,
    ports,
    references,
    scheduling,
    volumes,
)
from .path import Path
from .rule import Rule
from .text import text_violations

SPEC_RULES: tuple[Rule, ...] = (
    identity.hostname,
    identity.subdomain,
    memory.memory_requests,
    memory.memory_limits,
    memory.hugepages,
    memory.guest_memory,
    platform.machine_type,
    firmware.identity,
    firmware.acpi_tables,
    cpu.cpu_resources,
    pinning.dedicated_placement,
    pinning.numa,
    pinning.isolated_emulator,
    cpu.cpu_features,
    cpu.cpu_topology,
    lifecycle.start_strategy,
    pinning.realtime,
    scheduling.affinity,
    scheduling.topology_spread,
    scheduling.node_selector,
    scheduling.tolerations,
    networks.default_networks,
    networks.network_sources,
    interfaces.interface_states,
    interfaces.interface_bindings,
    networks.resource_claims,
    networks.network_names,
    interfaces.interface_names,
    interfaces.interface_devices,
    ports.ports,
    ports.dhcp_options,
    interfaces.distinct_addresses,
    attachments.disk_volumes,
    attachments.boot_order,
    devices.inputs,
    devices.io_threads,
    lifecycle.probes,
    disks.disks,
    firmware.bootloader,
    firmware.kernel_boot,
    volumes.volumes,
    volumes.volume_files,
    cloudinit.cloud_init,
    references.required_references,
    references.optional_references,
    references.service_account,
    attachments.distinct_claims,
    volumes.utility_volumes,
    credentials.access_credentials,
    dns.dns_policy,
    dns.dns_config,
    lifecycle.eviction_strategy,
    lifecycle.reboot_policy,
    lifecycle.grace_period,
    devices.host_devices,
    devices.sound,
    encryption.launch_security,
    devices.filesystems,
    devices.video,
    devices.panic_devices,
    devices.watchdog,
    memory.max_guest,
    features.clock,
)
"""Rules for instances and for templates of them."""

INSTANCE_RULES: tuple[Rule, ...] = (
    attachments.volume_disks,
    memory.guest_memory_given,
    features.hyperv,
    features.nested_hyperv,
    platform.architecture,
    platform.architecture_devices,
    platform.architecture_boot,
)
"""What a template may still leave to an instance type, to a preference, or to defaulting."""


def instance_violations(vmi: VirtualMachineInstance, config: ClusterConfig) -> Iterator[Violation]:
    """What KubeVirt checks after it has defaulted a new instance."""
    spec = default(vmi, config).spec
    yield from spec_violations(Path("spec"), spec, config, (*SPEC_RULES, *INSTANCE_RULES))
    yield from metadata.gated_annotations(Path("metadata"), vmi.metadata, config)


def template_violations(
    template: Path,
    meta: ObjectMeta,
    spec: VirtualMachineInstanceSpec,
    config: ClusterConfig,
) -> Iterator[Violation]:
    """What is wrong with every instance that a VM or a replica set will make.

    Only the spec is defaulted: the rest waits for an instance type, or for the instance.
    """
    where = template / "metadata"
    yield from metadata.labels_and_annotations(where, meta)
    yield from metadata.reserved_at_creation(where, meta)
    yield from metadata.gated_annotations(where, meta, config)
    yield from spec_violations(template / "spec", default_spec(spec, config), config)


def spec_violations(
    field: Path,
    spec: VirtualMachineInstanceSpec,
    config: ClusterConfig,
    rules: Sequence[Rule] = SPEC_RULES,
) -> Iterator[Violation]:
    """All rules, and below them the rules for text, for fields that no other rule refused."""
    refused: set[str] = set()
    for rule in rules:
        for violation in rule(field, spec, config):
            refused.add(violation.field)
            yield violation
    for violation in text_violations(field, spec):
        if violation.field not in refused:
            yield violation
