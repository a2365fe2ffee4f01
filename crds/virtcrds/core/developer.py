"""Feature gates, ratios and log levels of the cluster."""

from typing import Annotated

import annotated_types
from pydantic import Field

from ..base import Model
from ..quantity import Quantity
from ..scalars import ATOMIC, Int64, Items, UInt64


class DiskVerification(Model):
    """Limits for looking into images."""

    memory_limit: Quantity = Field(description="Memory that looking into an image may take.")


class LogVerbosity(Model):
    """How much components log, 0 to 9; 2 by default."""

    virt_api: UInt64 = Field(default=0, description="Of virt-api.")
    virt_controller: UInt64 = Field(default=0, description="Of virt-controller.")
    virt_handler: UInt64 = Field(default=0, description="Of virt-handler.")
    virt_launcher: UInt64 = Field(default=0, description="Of launchers that start from now on.")
    virt_operator: UInt64 = Field(default=0, description="Of virt-operator.")
    virt_synchronization_controller: UInt64 = Field(
        default=0, description="Of virt-synchronization-controller."
    )
    node_verbosity: dict[str, UInt64] = Field(
        default_factory=dict, description="Of virt-handler, by node."
    )


class DeveloperConfiguration(Model):
    """Gates, ratios, and what eases development."""

    feature_gates: Items[str] = Field(
        default=(), description="Features to turn on.", json_schema_extra=ATOMIC
    )
    disabled_feature_gates: Items[str] = Field(
        default=(), description="Features to turn off.", json_schema_extra=ATOMIC
    )
    pvc_tolerate_less_space_up_to_percent: Int64 = Field(
        default=0,
        description="Percentage by which a claim may be smaller than asked for; 10.",
    )
    minimum_reserve_pvc_bytes: UInt64 = Field(
        default=0, description="Bytes of a claim that a disk leaves free; 131072."
    )
    memory_overcommit: Annotated[int, annotated_types.Ge(10)] | None = Field(
        default=None, description="Guest memory as a percentage of the pod's; 100."
    )
    node_selectors: dict[str, str] = Field(
        default_factory=dict, description="Labels that nodes of VMs must have."
    )
    use_emulation: bool = Field(
        default=False, description="Emulate CPUs where the host cannot virtualise."
    )
    cpu_allocation_ratio: Int64 = Field(
        default=0, description="Virtual CPUs for one requested host CPU; 10."
    )
    minimum_cluster_tsc_frequency: Int64 | None = Field(
        default=None, description="TSC frequency in Hz that all nodes are taken to have."
    )
    disk_verification: DiskVerification | None = Field(
        default=None, description="Limits for looking into images."
    )
    log_verbosity: LogVerbosity | None = Field(default=None, description="How much components log.")
    cluster_profiler: bool = Field(
        default=False, description="Let components be profiled while they run."
    )
