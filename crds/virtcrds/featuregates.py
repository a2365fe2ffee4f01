"""Feature gates: features by name, how mature each is, and whether a cluster has it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Maturity(StrEnum):
    """How far a feature is; users see the value in warnings."""

    ALPHA = "Alpha"
    BETA = "Beta"
    GA = "General Availability"
    DEPRECATED = "Deprecated"
    DISCONTINUED = "Discontinued"

    @property
    def selectable(self) -> bool:
        """Whether the gate still decides anything."""
        return self in (Maturity.ALPHA, Maturity.BETA)


# fmt: off
_ALPHA = (
    "AlignCPUs", "CPUManager", "ConfigurableHypervisor", "ContainerPathVolumes",
    "CrossArchitectureVirtualization", "DownwardMetrics", "EnableVirtioFsStorageVolumes",
    "ExperimentalIgnitionSupport", "FirmwareAutoSelection", "HostDevices", "HostDisk",
    "HypervStrictCheck", "IOMMUFD", "IncrementalBackup", "MigrationDowntimeTuning",
    "MigrationStallDetection", "NetworkDevicesWithDRA", "OCIExport", "ObjectGraph",
    "PCINUMAAwareTopology", "Plugins", "PortRangesSpec", "ReservedOverheadMemlock", "Root",
    "Sidecar", "UtilityVolumes", "VGPULiveMigration", "VMStatsCollector", "VSOCK",
    "WorkloadEncryptionTDX",
)
_BETA = (
    "DecentralizedLiveMigration", "DeclarativeHotplugVolumes", "ExternalNetResourceInjection",
    "GPUsWithDRA", "HostDevicesWithDRA", "ImageVolume", "KubevirtSeccompProfile",
    "NodeRestriction", "OptOutRoleAggregation", "PasstBinding",
    "PodSecondaryInterfaceNamingUpgrade", "RebootPolicy", "Snapshot", "Template",
    "WorkloadEncryptionSEV",
)
_GA = (
    "AutoResourceLimitsGate", "BochsDisplayForEFIGuests", "CPUNodeDiscovery", "ClusterProfiler",
    "CommonInstancetypesDeploymentGate", "DisableCustomSELinuxPolicy", "DynamicPodInterfaceNaming",
    "EnableVirtioFsConfigVolumes", "ExpandDisks", "GPU", "HotplugNICs",
    "InstancetypeReferencePolicy", "LiveMigration", "LiveUpdateNADRef", "MigrationPriorityQueue",
    "NUMA", "NetworkBindingPlugins", "NonRoot", "PSA", "PanicDevices", "PersistentReservation",
    "SRIOVLiveMigration", "SecureExecution", "VMExport", "VMLiveUpdateFeatures",
    "VMPersistentState", "VideoConfig", "VolumeMigration", "VolumesUpdateStrategy",
)
_DEPRECATED = (
    "DisableMDEVConfiguration", "DockerSELinuxMCSWorkaround", "HotplugVolumes",
    "MultiArchitecture",
)
_DISCONTINUED = (
    "ExperimentalVirtiofsSupport", "Macvtap", "Passt", "PasstIPStackMigration",
)
# fmt: on

GATES: Mapping[str, Maturity] = MappingProxyType(
    dict.fromkeys(_ALPHA, Maturity.ALPHA)
    | dict.fromkeys(_BETA, Maturity.BETA)
    | dict.fromkeys(_GA, Maturity.GA)
    | dict.fromkeys(_DEPRECATED, Maturity.DEPRECATED)
    | dict.fromkeys(_DISCONTINUED, Maturity.DISCONTINUED)
)
"""Every gate that KubeVirt's manifests may name."""


def is_open(gate: str, *, named: bool, disabled: bool) -> bool:
    """Whether a cluster has the feature whose gate its configuration names, or disables.

    Features that are generally available cannot be disabled; deprecated gates are open only when
    they are named, and discontinued ones never. A gate nobody knows is like one of an alpha.
    """
    maturity = GATES.get(gate, Maturity.ALPHA)
    if maturity is Maturity.GA:
        return True
    if disabled or maturity is Maturity.DISCONTINUED:
        return False
    return named or maturity is Maturity.BETA
