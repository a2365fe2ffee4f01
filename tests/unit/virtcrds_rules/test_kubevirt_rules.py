"""The KubeVirt object: its own rules, its warnings, and what it decides about VMs."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from virtcrds import ClusterConfig, KubeVirt, config_of, validate, warnings
from virtcrds.clusterconfig import RolloutStrategy


def kubevirt(spec: str = "{}") -> KubeVirt:
    return KubeVirt.from_json({"metadata": {"name": "kubevirt"}, "spec": yaml.safe_load(spec)})


def configured(configuration: str) -> KubeVirt:
    return kubevirt(f"configuration: {{{configuration}}}")


ROTATION = "certificateRotateStrategy: {selfSigned: %s}"
ROTATED = "spec.certificateRotateStrategy.selfSigned"
GO = "spec.certificateRotationStrategy.selfSigned"
PROFILE = "configuration: {seccompConfiguration: {virtualMachineInstanceProfile: %s}}"
CUSTOM = "spec.configuration.seccompConfiguration.virtualMachineInstanceProfile.customProfile"
TLS = "configuration: {tlsConfiguration: %s}"
NO_CIPHERS = (
    "spec.configuration.tlsConfiguration.ciphers",
    "You cannot specify ciphers when spec.configuration.tlsConfiguration.minTLSVersion is empty "
    "or VersionTLS13",
)
RATIO = "spec.configuration.additionalGuestMemoryOverheadRatio"

REFUSED: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "a patch that is no JSON": (
        "customizeComponents: {patches: "
        "[{resourceName: a, resourceType: b, type: json, patch: '{'}]}",
        [("spec.customizeComponents.patches[0].patch", 'patch "{" is not valid JSON')],
    ),
    "old and new words for certificates": (
        ROTATION % "{caRotateInterval: 168h, ca: {duration: 168h}}",
        [
            (
                ROTATED,
                "caRotateInterval, certRotateInterval and caOverlapInterval are deprecated and "
                "conflict with CertConfig defined rotation parameters",
            )
        ],
    ),
    "an authority that is renewed before it is there": (
        ROTATION % "{ca: {duration: 48h, renewBefore: 49h}}",
        [
            (
                f"{ROTATED}.ca.renewBefore",
                f"CA RenewBefore cannot exceed Duration ({GO}.ca.duration < {GO}.ca.renewBefore)",
            )
        ],
    ),
    "a certificate that is renewed before it is there": (
        ROTATION % "{server: {duration: 1h, renewBefore: 61m}}",
        [
            (
                f"{ROTATED}.server.renewBefore",
                "Cert RenewBefore cannot exceed Duration "
                f"({GO}.server.duration < {GO}.server.renewBefore)",
            )
        ],
    ),
    "a certificate that outlives its authority": (
        ROTATION % "{ca: {duration: 12h}}",
        [
            (
                f"{ROTATED}.server.duration",
                f"Certificate duration cannot exceed CA ({GO}.server.duration > {GO}.ca.duration)",
            )
        ],
    ),
    "no controller at all": (
        "infra: {replicas: 0}",
        [("spec.infra.replicas", "infra replica count can't be 0")],
    ),
    "ciphers for TLS 1.3": (TLS % "{minTLSVersion: VersionTLS13, ciphers: [a]}", [NO_CIPHERS]),
    "ciphers for any TLS": (TLS % "{ciphers: [a]}", [NO_CIPHERS]),
    "no profile": (PROFILE % "{}", [(CUSTOM, f"{CUSTOM} needs to be set")]),
    "two profiles": (
        PROFILE % "{customProfile: {localhostProfile: a, runtimeDefaultProfile: true}}",
        [
            (
                f"{CUSTOM}.localhostProfile",
                f"{CUSTOM}.localhostProfile cannot be set when "
                f"{CUSTOM}.runtimeDefaultProfile is set",
            ),
            (
                f"{CUSTOM}.runtimeDefaultProfile",
                f"{CUSTOM}.runtimeDefaultProfile cannot be set when "
                f"{CUSTOM}.localhostProfile is set",
            ),
        ],
    ),
    "a factor that is no number": (
        "configuration: {additionalGuestMemoryOverheadRatio: much}",
        [(RATIO, "ratio provided, much, cannot be parsed into float")],
    ),
    "an endless factor": (
        "configuration: {additionalGuestMemoryOverheadRatio: inf}",
        [(RATIO, "ratio provided, inf, cannot be parsed into float")],
    ),
    "a factor that takes away": (
        "configuration: {additionalGuestMemoryOverheadRatio: '0.9'}",
        [(RATIO, "ratio provided, 0.9, cannot be smaller than 1.0")],
    ),
    "an unknown way to evict": (
        "configuration: {evictionStrategy: Foo}",
        [
            (
                "spec.configuration.evictionStrategy",
                "spec.configuration.evictionStrategy is set with an unrecognized option: Foo",
            )
        ],
    ),
    "an unknown binding": (
        "configuration: {network: {defaultNetworkInterface: slirp}}",
        [
            (
                "spec.configuration.network.defaultNetworkInterface",
                "invalid default-network-interface in config: slirp",
            )
        ],
    ),
    "an unknown pull policy": (
        "configuration: {imagePullPolicy: Sometimes}",
        [
            (
                "spec.configuration.imagePullPolicy",
                "invalid dev.imagePullPolicy in config: Sometimes",
            )
        ],
    ),
    "VMs that grow to nothing": (
        "configuration: {liveUpdateConfiguration: {maxGuest: '0'}}",
        [
            (
                "spec.configuration.liveUpdateConfiguration.maxGuest",
                "spec.configuration.liveUpdateConfiguration.maxGuest '0' must be greater than 0",
            )
        ],
    ),
}


@pytest.mark.parametrize(("spec", "expected"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_is_refused(spec: str, expected: list[tuple[str, str]]) -> None:
    assert [(found.field, found.message) for found in validate(kubevirt(spec))] == expected


@pytest.mark.parametrize(
    "spec",
    [
        "{}",
        "configuration: {developerConfiguration: {featureGates: [HostDisk]}}",
        "configuration: {tlsConfiguration: {minTLSVersion: VersionTLS12, ciphers: [a]}}",
        "configuration: {additionalGuestMemoryOverheadRatio: '1.5'}",
        ROTATION % "{caRotateInterval: 48h, caOverlapInterval: 24h, certRotateInterval: 12h}",
        ROTATION % "{ca: {duration: 48h, renewBefore: 24h}, server: {duration: 24h}}",
        PROFILE % "{customProfile: {runtimeDefaultProfile: true}}",
    ],
)
def test_what_is_right_is_taken(spec: str) -> None:
    assert validate(kubevirt(spec)) == []


@pytest.mark.parametrize(
    ("gate", "sentence"),
    [
        ("HostDisk", 'feature gate HostDisk is active (feature state is "Alpha")'),
        ("Snapshot", 'feature gate Snapshot is active (feature state is "Beta")'),
        (
            "LiveMigration",
            'feature gate LiveMigration is deprecated (feature state is "General Availability"), '
            "therefore it can be safely removed and is redundant.",
        ),
        (
            "HotplugVolumes",
            'feature gate HotplugVolumes is deprecated (feature state is "Deprecated"), '
            "therefore it can be safely removed and is redundant.",
        ),
        (
            "Macvtap",
            'feature gate Macvtap is deprecated (feature state is "Discontinued"), '
            "therefore it can be safely removed and is redundant.",
        ),
        ("Foo", "feature gate Foo is not known"),
    ],
)
def test_gates_are_commented_on(gate: str, sentence: str) -> None:
    named = configured(f"developerConfiguration: {{featureGates: [{gate}]}}")
    assert warnings(named) == [sentence]


def test_old_spellings_of_mediated_devices_are_commented_on() -> None:
    old = configured(
        "mediatedDevicesConfiguration: {mediatedDevicesTypes: [a], nodeMediatedDeviceTypes: "
        "[{nodeSelector: {}, mediatedDeviceTypes: [b]}, "
        "{nodeSelector: {}, mediatedDevicesTypes: [c]}]}"
    )
    path = "spec.configuration.mediatedDevicesConfiguration"
    assert warnings(old) == [
        f"{path}.mediatedDevicesTypes is deprecated, use mediatedDeviceTypes",
        f"{path}.nodeMediatedDeviceTypes[1].mediatedDevicesTypes is deprecated, "
        "use mediatedDeviceTypes",
    ]


@pytest.mark.parametrize(
    ("gate", "named", "disabled", "enabled"),
    [
        ("HostDisk", False, False, False),
        ("HostDisk", True, False, True),
        ("HostDisk", True, True, False),
        ("Snapshot", False, False, True),
        ("Snapshot", True, True, False),
        ("LiveMigration", False, True, True),
        ("MultiArchitecture", False, False, False),
        ("MultiArchitecture", True, False, True),
        ("Macvtap", True, False, False),
        ("FromTheFuture", True, False, True),
        ("FromTheFuture", False, False, False),
    ],
)
def test_a_gate_is_open_by_its_maturity(
    gate: str, named: bool, disabled: bool, enabled: bool
) -> None:
    config = ClusterConfig(
        feature_gates=frozenset({gate} if named else ()),
        disabled_feature_gates=frozenset({gate} if disabled else ()),
    )
    assert config.enabled(gate) is enabled


def test_a_silent_object_decides_nothing() -> None:
    assert config_of(kubevirt()) == ClusterConfig()


MACHINES = {"amd64": "q35", "arm64": "virt", "s390x": "s390-ccw-virtio"}

DECIDED: dict[str, tuple[str, dict[str, Any]]] = {
    "gates": (
        "developerConfiguration: {featureGates: [HostDisk], disabledFeatureGates: [Snapshot]}",
        {
            "feature_gates": frozenset({"HostDisk"}),
            "disabled_feature_gates": frozenset({"Snapshot"}),
        },
    ),
    "architecture": (
        "architectureConfiguration: {defaultArchitecture: arm64}",
        {"default_architecture": "arm64"},
    ),
    "machine of one architecture": (
        "architectureConfiguration: {amd64: {machineType: pc-q35-8.2, emulatedMachines: [pc-*]}}",
        {
            "machine_types": MACHINES | {"amd64": "pc-q35-8.2"},
            "emulated_machines": dict(ClusterConfig().emulated_machines) | {"amd64": ("pc-*",)},
        },
    ),
    "machine in the old place": (
        "machineType: pc, emulatedMachines: [pc], "
        "architectureConfiguration: {amd64: {machineType: q35}}",
        {
            "machine_types": dict.fromkeys(MACHINES, "pc"),
            "emulated_machines": dict.fromkeys(MACHINES, ("pc",)),
        },
    ),
    "network": (
        "network: {defaultNetworkInterface: masquerade, permitBridgeInterfaceOnPodNetwork: false}",
        {"default_network_interface": "masquerade", "permit_bridge_on_pod_network": False},
    ),
    "CPU": ("cpuModel: Haswell, cpuRequest: 200m", {"cpu_model": "Haswell", "cpu_request": "200m"}),
    "eviction": ("evictionStrategy: LiveMigrate", {"eviction_strategy": "LiveMigrate"}),
    "growth": (
        "vmRolloutStrategy: Stage, "
        "liveUpdateConfiguration: {maxHotplugRatio: 2, maxCpuSockets: 8, maxGuest: 8Gi}",
        {
            "rollout_strategy": RolloutStrategy.STAGE,
            "max_hotplug_ratio": 2,
            "max_cpu_sockets": 8,
            "max_guest": "8Gi",
        },
    ),
}


@pytest.mark.parametrize(("configuration", "expected"), DECIDED.values(), ids=DECIDED)
def test_what_it_says_is_what_vms_get(configuration: str, expected: dict[str, Any]) -> None:
    assert config_of(configured(configuration)) == ClusterConfig(**expected)
