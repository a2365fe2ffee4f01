"""Defaulting: whole VMIs against golden files, and every step that those do not show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from virtcrds import (
    ClusterConfig,
    Quantity,
    VirtualMachine,
    VirtualMachineInstance,
    default,
    default_vm,
)
from virtcrds.clusterconfig import RolloutStrategy

MakeVMI = Callable[..., VirtualMachineInstance]
MakeVM = Callable[..., VirtualMachine]

GOLDEN = Path(__file__).parents[2] / "golden" / "defaults"
UUID = "5d307ca9-b3ef-428c-8861-06e72d69f223"
SERIAL = "e4686d2c-6e8d-4335-b8fd-81bee22f4814"
NOW = "2026-01-01T00:00:00Z"


@pytest.mark.parametrize("before", sorted(GOLDEN.glob("*-before.yaml")), ids=lambda path: path.stem)
def test_a_vmi_is_filled_in_as_kubevirt_does(before: Path) -> None:
    after = before.with_name(before.name.replace("-before", "-after"))
    vmi = VirtualMachineInstance.from_json(yaml.safe_load(before.read_text()))
    filled = default(vmi, firmware_uuid=UUID, now=NOW)
    assert filled.to_json() == yaml.safe_load(after.read_text())
    assert default(filled, firmware_uuid="another", now="later") == filled


def domain_of(vmi: VirtualMachineInstance, **config: Any) -> dict[str, Any]:
    tree: dict[str, Any] = default(vmi, ClusterConfig(**config)).to_json()["spec"]["domain"]
    return tree


@pytest.mark.parametrize(
    ("changes", "cpu"),
    [
        ("{}", {"sockets": 1, "cores": 1, "threads": 1, "maxSockets": 4}),
        (
            "domain: {resources: {limits: {cpu: '3'}}}",
            {"sockets": 3, "cores": 1, "threads": 1, "maxSockets": 12},
        ),
        (
            "domain: {resources: {requests: {cpu: 1500m}}}",
            {"sockets": 2, "cores": 1, "threads": 1, "maxSockets": 8},
        ),
        ("domain: {cpu: {cores: 2}}", {"cores": 2}),
        (
            "domain: {cpu: {sockets: 100, cores: 2, threads: 1}}",
            {"sockets": 100, "cores": 2, "threads": 1, "maxSockets": 256},
        ),
        (
            "domain: {cpu: {sockets: 300, cores: 2, threads: 1}}",
            {"sockets": 300, "cores": 2, "threads": 1, "maxSockets": 300},
        ),
        (
            "domain: {cpu: {sockets: 2, cores: 1, threads: 1, maxSockets: 3}}",
            {"sockets": 2, "cores": 1, "threads": 1, "maxSockets": 3},
        ),
    ],
)
def test_the_topology_is_what_is_asked_for_with_room_to_grow(
    make_vmi: MakeVMI, changes: str, cpu: dict[str, int]
) -> None:
    assert domain_of(make_vmi(changes))["cpu"] == cpu | {"model": "host-model"}


def test_a_cluster_may_bound_the_sockets(make_vmi: MakeVMI) -> None:
    two = make_vmi("domain: {cpu: {sockets: 2, cores: 1, threads: 1}}")
    assert domain_of(two, max_cpu_sockets=6)["cpu"]["maxSockets"] == 6
    assert domain_of(two, max_cpu_sockets=1)["cpu"]["maxSockets"] == 2


@pytest.mark.parametrize(
    ("changes", "guest"),
    [
        ("domain: {memory: null, resources: {requests: {memory: 256Mi}}}", "256Mi"),
        ("domain: {memory: null, resources: {limits: {memory: 512Mi}}}", "512Mi"),
        ("domain: {memory: {guest: null, hugepages: {pageSize: 2Mi}}}", "2Mi"),
        ("domain: {memory: null, resources: {requests: {memory: 0}}}", None),
        ("domain: {memory: {guest: null, hugepages: {pageSize: big}}}", None),
    ],
)
def test_the_guest_gets_what_its_pod_asks_for(
    make_vmi: MakeVMI, changes: str, guest: str | None
) -> None:
    assert domain_of(make_vmi(changes))["memory"].get("guest") == guest


@pytest.mark.parametrize(
    ("changes", "max_guest"),
    [
        ("{}", "4Gi"),
        ("domain: {memory: {guest: 512Mi}}", None),
        ("domain: {memory: {guest: 1025M}}", None),
        ("domain: {memory: {guest: 1Gi, maxGuest: 2Gi}}", "2Gi"),
        ("domain: {memory: {guest: 1536Mi}}", "6Gi"),
        ("architecture: arm64", None),
        ("architecture: s390x", None),
        ("domain: {launchSecurity: {sev: {}}}", None),
        ("domain: {cpu: {cores: 1, realtime: {}}}", None),
        ("domain: {memory: {guest: 3Gi, hugepages: {pageSize: 1Gi}}}", "12Gi"),
        ("domain: {memory: {guest: 1536Mi, hugepages: {pageSize: 1Gi}}}", None),
    ],
)
def test_memory_may_grow_fourfold_where_it_can(
    make_vmi: MakeVMI, changes: str, max_guest: str | None
) -> None:
    assert domain_of(make_vmi(changes))["memory"].get("maxGuest") == max_guest


def test_nothing_grows_where_vms_are_not_updated_live(make_vmi: MakeVMI) -> None:
    domain = domain_of(make_vmi(), rollout_strategy=RolloutStrategy.STAGE)
    assert "maxGuest" not in domain["memory"]
    assert "maxSockets" not in domain["cpu"]


def test_a_cluster_may_bound_the_memory(make_vmi: MakeVMI) -> None:
    assert domain_of(make_vmi(), max_guest="2Gi")["memory"]["maxGuest"] == "2Gi"
    assert "maxGuest" not in domain_of(make_vmi(), max_guest="512Mi")["memory"]


def test_a_limit_on_cpu_is_a_request_too(make_vmi: MakeVMI) -> None:
    limited = make_vmi("domain: {resources: {limits: {cpu: '2'}}}")
    assert domain_of(limited)["resources"] == {"limits": {"cpu": "2"}, "requests": {"cpu": "2"}}
    assert domain_of(make_vmi(), cpu_request="250m")["resources"] == {"requests": {"cpu": "250m"}}
    pinned = make_vmi("domain: {cpu: {cores: 1, dedicatedCpuPlacement: true}}")
    assert "resources" not in domain_of(pinned, cpu_request="250m")


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("tiny", "Always"),
        ("registry/tiny:latest", "Always"),
        ("registry:5000/tiny", "IfNotPresent"),
        ("tiny:1", "IfNotPresent"),
        ("tiny@sha256:0123", "IfNotPresent"),
    ],
)
def test_a_moving_tag_is_pulled_always(make_vmi: MakeVMI, image: str, policy: str) -> None:
    vmi = default(make_vmi(f"volumes: [{{name: root, containerDisk: {{image: '{image}'}}}}]"))
    disk = vmi.spec.volumes[0].container_disk
    assert disk is not None
    assert disk.image_pull_policy == policy


def test_the_pod_network_is_there_unless_networks_are_spoken_of(make_vmi: MakeVMI) -> None:
    nothing = make_vmi("{domain: {devices: {interfaces: null}}, networks: null}")
    spec = default(nothing).spec.to_json()
    assert spec["networks"] == [{"name": "default", "pod": {}}]
    assert spec["domain"]["devices"]["interfaces"] == [{"name": "default", "bridge": {}}]
    masquerade = default(nothing, ClusterConfig(default_network_interface="masquerade")).spec
    assert masquerade.domain.devices.interfaces[0].masquerade is not None
    detached = make_vmi(
        "{domain: {devices: {interfaces: null, autoattachPodInterface: false}}, networks: null}"
    )
    assert default(detached).spec.networks == ()


def test_every_volume_of_the_guest_gets_a_disk(make_vmi: MakeVMI) -> None:
    vmi = make_vmi(
        "{domain: {devices: {disks: [{name: b}], filesystems: [{name: c, virtiofs: {}}]}}, "
        "volumes: [{name: a, emptyDisk: {capacity: 1Gi}}, {name: b, emptyDisk: {capacity: 1Gi}}, "
        "{name: c, configMap: {name: c}}, {name: d, memoryDump: {claimName: d}}]}"
    )
    assert [disk.name for disk in default(vmi).spec.domain.devices.disks] == ["b", "a"]


@pytest.mark.parametrize(
    ("disk", "filled"),
    [
        ("{name: root}", {"disk": {"bus": "sata"}}),
        ("{name: root, disk: {}}", {"disk": {"bus": "sata"}}),
        ("{name: root, lun: {}}", {"lun": {"bus": "sata"}}),
        (
            "{name: root, cdrom: {}}",
            {"cdrom": {"bus": "sata", "readonly": True, "tray": "closed"}},
        ),
        (
            "{name: root, cdrom: {bus: scsi, readonly: false, tray: open}}",
            {"cdrom": {"bus": "scsi", "readonly": False, "tray": "open"}},
        ),
    ],
)
def test_a_disk_is_a_sata_disk_unless_it_says_otherwise(
    make_vmi: MakeVMI, disk: str, filled: dict[str, Any]
) -> None:
    devices = domain_of(make_vmi(f"domain: {{devices: {{disks: [{disk}]}}}}"))["devices"]
    assert devices["disks"] == [{"name": "root"} | filled]


def test_arm_guests_boot_by_uefi_from_virtio(make_vmi: MakeVMI) -> None:
    domain = domain_of(
        make_vmi("{architecture: arm64, domain: {devices: {disks: [{name: root}]}}}")
    )
    assert domain["machine"] == {"type": "virt"}
    assert domain["firmware"] == {"bootloader": {"efi": {"secureBoot": False}}}
    assert domain["cpu"]["model"] == "host-passthrough"
    assert domain["devices"]["disks"] == [{"name": "root", "disk": {"bus": "virtio"}}]


def test_mainframes_have_no_acpi_and_a_watchdog_of_their_own(make_vmi: MakeVMI) -> None:
    vmi = default(make_vmi("{architecture: s390x, domain: {devices: {watchdog: {name: w}}}}"))
    domain = vmi.to_json()["spec"]["domain"]
    assert domain["features"] == {"acpi": {"enabled": False}}
    assert domain["devices"]["watchdog"] == {"name": "w", "diag288": {"action": "reset"}}
    assert vmi.metadata.annotations == {}


def test_what_is_mentioned_is_on_and_what_is_off_stays_off(make_vmi: MakeVMI) -> None:
    changes = (
        "domain: {features: {acpi: {enabled: false}, apic: {}, smm: {enabled: false}, "
        "pvspinlock: {}}, clock: {utc: {}, timer: {hpet: {present: false}, pit: {}}}}"
    )
    domain = domain_of(make_vmi(changes))
    assert domain["features"] == {
        "acpi": {"enabled": False},
        "apic": {"enabled": True},
        "smm": {"enabled": False},
        "pvspinlock": {"enabled": True},
    }
    assert domain["clock"]["timer"] == {"hpet": {"present": False}, "pit": {"present": True}}


@pytest.mark.parametrize(
    ("hyperv", "filled"),
    [
        ("spinlocks: {}", {"spinlocks": {"enabled": True, "spinlocks": 4096}}),
        ("spinlocks: {enabled: false}", {"spinlocks": {"enabled": False}}),
        (
            "synictimer: {direct: {}}",
            {
                "synictimer": {"enabled": True, "direct": {"enabled": True}},
                "synic": {"enabled": True},
                "vpindex": {"enabled": True},
            },
        ),
        (
            "tlbflush: {extended: {}}",
            {
                "tlbflush": {"enabled": True, "extended": {"enabled": True}},
                "vpindex": {"enabled": True},
            },
        ),
        ("ipi: {enabled: false}", {"ipi": {"enabled": False}}),
        (
            "ipi: {}, vpindex: {enabled: false}",
            {"ipi": {"enabled": True}, "vpindex": {"enabled": False}},
        ),
    ],
)
def test_an_enlightenment_brings_what_it_needs(
    make_vmi: MakeVMI, hyperv: str, filled: dict[str, Any]
) -> None:
    domain = domain_of(make_vmi(f"domain: {{features: {{hyperv: {{{hyperv}}}}}}}"))
    assert domain["features"]["hyperv"] == filled


@pytest.mark.parametrize(
    ("features", "expected"),
    [
        ("[]", [{"name": "vmx", "policy": "require"}]),
        ("[{name: vmx, policy: optional}]", [{"name": "vmx", "policy": "require"}]),
        ("[{name: aes}]", [{"name": "aes"}, {"name": "vmx", "policy": "require"}]),
    ],
)
def test_nested_hyperv_needs_vmx(
    make_vmi: MakeVMI, features: str, expected: list[dict[str, str]]
) -> None:
    changes = f"domain: {{cpu: {{features: {features}}}, features: {{hyperv: {{evmcs: {{}}}}}}}}"
    domain = domain_of(make_vmi(changes))
    assert domain["cpu"]["features"] == expected
    assert domain["features"]["hyperv"]["vapic"] == {"enabled": True}


def test_the_cluster_decides_what_nobody_decided(make_vmi: MakeVMI) -> None:
    config = ClusterConfig(
        default_architecture="arm64",
        machine_types={"amd64": "q35", "arm64": "virt-7.2"},
        cpu_model="cortex-a72",
        eviction_strategy="LiveMigrate",
    )
    spec = default(make_vmi(), config).spec
    assert spec.architecture == "arm64"
    assert spec.eviction_strategy == "LiveMigrate"
    assert spec.domain.machine is not None
    assert spec.domain.machine.type == "virt-7.2"
    # Arm's own default comes before the cluster's.
    assert spec.domain.cpu is not None
    assert spec.domain.cpu.model == "host-passthrough"


def test_status_begins_with_what_the_guest_boots_with(make_vmi: MakeVMI) -> None:
    status = default(make_vmi("domain: {cpu: {sockets: 2, cores: 2}}"), now=NOW).status.to_json()
    assert status == {
        "currentCPUTopology": {"sockets": 2, "cores": 2},
        "memory": {"guestAtBoot": "1Gi", "guestCurrent": "1Gi", "guestRequested": "1Gi"},
        "phase": "Pending",
        "phaseTransitionTimestamps": [{"phase": "Pending", "phaseTransitionTimestamp": NOW}],
        "runtimeUser": 107,
    }


def test_root_runs_as_root_behind_its_gate(make_vmi: MakeVMI) -> None:
    config = ClusterConfig(feature_gates=frozenset({"Root"}))
    assert default(make_vmi(), config).status.runtime_user == 0


def test_nothing_of_the_original_changes(make_vmi: MakeVMI) -> None:
    vmi = make_vmi("domain: {memory: {guest: 2Gi}}", annotations={"a": "b"})
    before = vmi.to_json()
    filled = default(vmi)
    assert vmi.to_json() == before
    assert filled.metadata.annotations == {"kubevirt.io/pci-topology-version": "v3", "a": "b"}
    memory = filled.spec.domain.memory
    assert memory is not None
    assert memory.max_guest == Quantity("8Gi")


def test_a_vm_gets_an_identity_and_a_machine_and_keeps_the_rest_open(make_vm: MakeVM) -> None:
    vm = make_vm("{instancetype: {name: small}, preference: {inferFromVolume: root}}")
    filled = default_vm(vm, firmware_uuid=UUID, firmware_serial=SERIAL)
    spec = filled.to_json()["spec"]
    assert spec["instancetype"] == {"name": "small", "kind": "virtualmachineclusterinstancetype"}
    assert spec["preference"] == {"inferFromVolume": "root"}
    template = spec["template"]
    assert template["metadata"] == {"annotations": {"kubevirt.io/pci-topology-version": "v3"}}
    assert template["spec"] == vm.to_json()["spec"]["template"]["spec"] | {
        "architecture": "amd64",
        "domain": vm.to_json()["spec"]["template"]["spec"]["domain"]
        | {"machine": {"type": "q35"}, "firmware": {"uuid": UUID, "serial": SERIAL}},
    }
    assert default_vm(filled, firmware_uuid="another", firmware_serial="another") == filled


def test_a_vm_without_a_template_is_left_to_validation(make_vm: MakeVM) -> None:
    vm = make_vm("template: null")
    assert default_vm(vm, firmware_uuid=UUID) == vm
