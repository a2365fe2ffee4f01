"""State of a live migration, as the VMI and the migration object report it."""

from typing import Annotated

import annotated_types
from pydantic import Field

from ..base import Model
from ..quantity import Quantity
from ..scalars import ATOMIC, Int64, Items, Timestamp, UInt32


class MigrationTuning(Model):
    """How one live migration is carried out."""

    allow_auto_converge: bool | None = Field(
        default=None, description="Slow the guest's CPUs down when memory changes too fast."
    )
    bandwidth_per_migration: Quantity | None = Field(
        default=None, description="Bytes per second of one migration; 0 is unlimited."
    )
    completion_timeout_per_gib: Int64 | None = Field(
        default=None, description="Seconds per GiB after which a migration is given up; 150."
    )
    progress_timeout: Int64 | None = Field(
        default=None, description="Seconds without progress after which it is given up; 150."
    )
    max_downtime_ms: Annotated[int, annotated_types.Ge(1), annotated_types.Le(2_000_000)] | None = (
        Field(
            default=None,
            description="Milliseconds that the guest may stand still at the end; 900.",
        )
    )
    allow_post_copy: bool | None = Field(
        default=None, description="Start on the target before all memory is there."
    )
    allow_workload_disruption: bool | None = Field(
        default=None, description="Pause the guest rather than give up."
    )


class MigrationConfiguration(MigrationTuning):
    """Limits and ways of live migrations."""

    node_drain_taint_key: str | None = Field(
        default=None, description="Taint that makes VMs leave a node; kubevirt.io/drain."
    )
    parallel_outbound_migrations_per_node: UInt32 | None = Field(
        default=None, description="Migrations that may leave one node at a time; 2."
    )
    parallel_migrations_per_cluster: UInt32 | None = Field(
        default=None, description="Migrations that may run in the cluster at a time; 5."
    )
    utility_volumes_timeout: Int64 | None = Field(
        default=None, description="Seconds to wait for utility volumes to detach; 150."
    )
    unsafe_migration_override: bool | None = Field(
        default=None, description="Migrate even when the storage makes it unsafe."
    )
    disable_tls: bool | None = Field(default=None, description="Do not encrypt migrations.")
    network: str | None = Field(
        default=None, description="NetworkAttachmentDefinition that migrations run over."
    )
    match_selinux_level_on_migration: bool | None = Field(
        default=None, description="Give the target pod the source's SELinux level."
    )


class MigrationSide(Model):
    """What both sides of a migration tell about themselves."""

    node: str = Field(default="", description="Node of this side.")
    pod: str = Field(default="", description="Pod of this side.")
    migration_uid: str = Field(default="", description="UID of this side's migration object.")
    domain_name: str | None = Field(default=None, description="Name of the domain.")
    domain_namespace: str | None = Field(default=None, description="Namespace of the domain.")
    sync_address: str | None = Field(
        default=None, description="Address and port at which the sides exchange state."
    )
    persistent_state_pvc_name: str | None = Field(
        default=None, description="Claim with the VM's persistent state."
    )
    selinux_context: str = Field(default="", description="SELinux context of the pod.")
    virtual_machine_instance_uid: str | None = Field(
        default=None, description="UID of this side's VMI."
    )


class MigrationSourceState(MigrationSide):
    """The side that the guest leaves."""

    node_selectors: dict[str, str] = Field(
        default_factory=dict, description="Node labels that the target's pod must ask for."
    )


class MigrationTargetState(MigrationSide):
    """The side that the guest goes to."""

    domain_ready_timestamp: Timestamp | None = Field(
        default=None, description="When the guest was seen to run there."
    )
    domain_detected: bool = Field(default=False, description="Whether the guest was seen there.")
    node_address: str | None = Field(default=None, description="Address to migrate to.")
    direct_migration_node_ports: dict[str, int] = Field(
        default_factory=dict, description="Ports to migrate to, and what each is for."
    )
    attachment_pod_uid: str | None = Field(
        default=None, description="UID of the pod that attaches plugged volumes."
    )
    cpu_set: Items[int] = Field(
        default=(), description="Dedicated CPUs on the node.", json_schema_extra=ATOMIC
    )
    node_topology: str | None = Field(default=None, description="NUMA topology of the node.")


class MigrationState(Model):
    """How a live migration goes, or went."""

    start_timestamp: Timestamp | None = Field(default=None, description="When it began.")
    end_timestamp: Timestamp | None = Field(default=None, description="When it ended.")
    target_node_domain_ready_timestamp: Timestamp | None = Field(
        default=None, description="When the guest was seen to run on the target."
    )
    target_node_domain_detected: bool = Field(
        default=False, description="Whether the guest was seen on the target."
    )
    target_node_address: str = Field(default="", description="Address to migrate to.")
    target_direct_migration_node_ports: dict[str, int] = Field(
        default_factory=dict, description="Ports to migrate to, and what each is for."
    )
    target_node: str = Field(default="", description="Node that the guest goes to.")
    target_pod: str = Field(default="", description="Pod that the guest goes to.")
    target_attachment_pod_uid: str = Field(
        default="", description="UID of the pod that attaches plugged volumes there."
    )
    source_node: str = Field(default="", description="Node that the guest leaves.")
    source_pod: str = Field(default="", description="Pod that the guest leaves.")
    completed: bool = Field(default=False, description="It is over, well or not.")
    failed: bool = Field(default=False, description="It failed.")
    abort_requested: bool = Field(default=False, description="It is to be given up.")
    abort_status: str = Field(
        default="", description="How giving up went: Succeeded, Failed or Aborting."
    )
    failure_reason: str = Field(default="", description="Why it failed.")
    migration_uid: str = Field(
        default="", alias="migrationUid", description="UID of the migration object."
    )
    mode: str = Field(default="", description="PreCopy, PostCopy or Paused.")
    migration_policy_name: str | None = Field(
        default=None, description="MigrationPolicy that applies; empty when none does."
    )
    migration_configuration: MigrationConfiguration | None = Field(
        default=None, description="Limits and ways that apply."
    )
    target_cpu_set: Items[int] = Field(
        default=(), description="Dedicated CPUs on the target.", json_schema_extra=ATOMIC
    )
    target_node_topology: str = Field(default="", description="NUMA topology of the target.")
    source_persistent_state_pvc_name: str = Field(
        default="", description="Claim with the persistent state on the source's side."
    )
    target_persistent_state_pvc_name: str = Field(
        default="", description="Claim with the persistent state on the target's side."
    )
    source_state: MigrationSourceState | None = Field(
        default=None, description="What the source's handler tells."
    )
    target_state: MigrationTargetState | None = Field(
        default=None, description="What the target's handler tells."
    )
    migration_network_type: str = Field(default="", description="Pod or Migration.")
    target_memory_overhead: Quantity | None = Field(
        default=None, description="Memory that the target's pod needs beyond its guest's."
    )
