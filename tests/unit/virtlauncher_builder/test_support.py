"""What is refused because a guest would miss it, what is accepted without effect, what is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from virtcrds import VirtualMachineInstance
from virtlauncher.builder.plan import plan
from virtlauncher.builder.prepared import Prepared
from virtlauncher.builder.support import not_acted_on, unsupported
from virtlauncher.errors import Refused, Unsupported
from virtlauncher.facts import Facts

Case = tuple[VirtualMachineInstance, Facts, Prepared]
Make = Callable[[dict[str, Any]], Case]

DEVICES = "spec.domain.devices"


def vm(spec: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A VM of 256 MiB with one interface, and `spec` merged in at any depth."""
    base: dict[str, Any] = {
        "domain": {
            "memory": {"guest": "256Mi"},
            "devices": {"interfaces": [{"name": "default", "masquerade": {}}]},
        },
        "networks": [{"name": "default", "pod": {}}],
    }
    vmi = {"metadata": {"name": "vm"} | more.pop("metadata", {}), "spec": merged(base, spec)}
    return {"vmi": vmi, **more}


def merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    both = below | above
    for key in below.keys() & above.keys():
        if isinstance(below[key], dict) and isinstance(above[key], dict):
            both[key] = merged(below[key], above[key])
    return both


def domain(**fields: Any) -> dict[str, Any]:
    return vm({"domain": fields})


def devices(**fields: Any) -> dict[str, Any]:
    return vm({"domain": {"devices": fields}})


def interface(**fields: Any) -> dict[str, Any]:
    return devices(interfaces=[{"name": "default"} | fields])


@pytest.mark.parametrize(
    ("tree", "field"),
    [
        (vm({"architecture": "arm64"}), "spec.architecture"),
        (domain(launchSecurity={"tdx": {}}), "spec.domain.launchSecurity"),
        (domain(cpu={"sockets": 256}), "spec.domain.cpu"),
        (
            domain(cpu={"numa": {"guestMappingPassthrough": {}}}),
            "spec.domain.cpu.numa",
        ),
        (domain(firmware={"acpi": {"slicNameRef": "x"}}), "spec.domain.firmware.acpi"),
        (
            domain(clock={"timer": {"rtc": {"present": False}}}),
            "spec.domain.clock.timer.rtc.present",
        ),
        (devices(gpus=[{"name": "g", "deviceName": "x/y"}]), f"{DEVICES}.gpus"),
        (devices(hostDevices=[{"name": "g", "deviceName": "x/y"}]), f"{DEVICES}.hostDevices"),
        (devices(filesystems=[{"name": "f", "virtiofs": {}}]), f"{DEVICES}.filesystems"),
        (devices(clientPassthrough={}), f"{DEVICES}.clientPassthrough"),
        (devices(downwardMetrics={}), f"{DEVICES}.downwardMetrics"),
        (devices(watchdog={"name": "w", "diag288": {}}), f"{DEVICES}.watchdog.diag288"),
        (devices(autoattachVSOCK=True), f"{DEVICES}.autoattachVSOCK"),
        (devices(video={"type": "qxl"}), f"{DEVICES}.video.type"),
        (devices(panicDevices=[{"model": "hyperv"}]), f"{DEVICES}.panicDevices[0].model"),
        (devices(panicDevices=[{"model": "s390"}]), f"{DEVICES}.panicDevices[0].model"),
        (devices(disks=[{"name": "l", "lun": {}}]), f"{DEVICES}.disks[0].lun.bus"),
        (
            devices(disks=[{"name": "l", "lun": {"bus": "scsi", "reservation": True}}]),
            f"{DEVICES}.disks[0].lun.reservation",
        ),
        (
            devices(disks=[{"name": "d", "blockSize": {"matchVolume": {}}}]),
            f"{DEVICES}.disks[0].blockSize.matchVolume",
        ),
        (interface(sriov={}), f"{DEVICES}.interfaces[0].sriov"),
        (interface(passtBinding={}), f"{DEVICES}.interfaces[0].passtBinding"),
        (interface(binding={"name": "x"}), f"{DEVICES}.interfaces[0].binding"),
        (
            interface(masquerade={}, dhcpOptions={"ntpServers": ["10.0.0.1"]}),
            f"{DEVICES}.interfaces[0].dhcpOptions.ntpServers",
        ),
        (
            interface(
                masquerade={}, dhcpOptions={"privateOptions": [{"option": 240, "value": "x"}]}
            ),
            f"{DEVICES}.interfaces[0].dhcpOptions.privateOptions",
        ),
        (
            vm({"networks": [{"name": "default", "pod": {"vmIPv6NetworkCIDR": "fd00::/120"}}]}),
            "spec.networks[0].pod.vmIPv6NetworkCIDR",
        ),
        (vm({"dnsConfig": {"nameservers": ["10.0.0.1"]}}), "spec.dnsConfig.nameservers"),
        (vm({"dnsConfig": {"options": [{"name": "ndots"}]}}), "spec.dnsConfig.options"),
        (
            vm({"volumes": [{"name": "v", "containerPath": {"path": "/x"}}]}),
            "spec.volumes[0]",
        ),
        (
            vm(
                {
                    "accessCredentials": [
                        {
                            "userPassword": {
                                "source": {"secret": {"secretName": "s"}},
                                "propagationMethod": {"qemuGuestAgent": {}},
                            }
                        }
                    ]
                }
            ),
            "spec.accessCredentials[0]",
        ),
        (
            vm({}, metadata={"annotations": {"kubevirt.io/ignitiondata": "{}"}}),
            "metadata.annotations[kubevirt.io/ignitiondata]",
        ),
        (
            vm(
                {"domain": {"firmware": {"bootloader": {"efi": {}}}}},
                facts={"qemu": {"firmware": {}}},
            ),
            "spec.domain.firmware.bootloader.efi",
        ),
        (
            vm(
                {"domain": {"firmware": {"bootloader": {"efi": {"persistent": True}}}}},
                facts={"state_dir": ""},
            ),
            "spec.domain.firmware.bootloader.efi.persistent",
        ),
        (
            vm({"domain": {"devices": {"tpm": {}}}}, facts={"qemu": {"swtpm": ""}}),
            f"{DEVICES}.tpm",
        ),
        (
            vm({"domain": {"devices": {"tpm": {"persistent": True}}}}, facts={"state_dir": ""}),
            f"{DEVICES}.tpm.persistent",
        ),
        (
            vm(
                {
                    "domain": {
                        "devices": {
                            "interfaces": [{"name": "default", "masquerade": {}, "model": "igb"}]
                        }
                    }
                },
                facts={"qemu": {"devices": ["VGA", "e1000"]}},
            ),
            f"{DEVICES}.interfaces[0].model",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_field_that_the_guest_would_miss_is_refused(
    tree: dict[str, Any], field: str, make: Make
) -> None:
    vmi, facts, prepared = make(tree)
    violations = unsupported(vmi, facts)
    assert field in [one.field for one in violations]
    assert all(one.message.endswith(".") for one in violations)
    with pytest.raises(Unsupported):
        plan(vmi, facts, prepared)


def test_nothing_is_refused_of_an_everyday_vm(make: Make) -> None:
    vmi, facts, _ = make(vm({}))
    assert unsupported(vmi, facts) == []
    assert not_acted_on(vmi) == []


def test_placement_is_accepted_and_named(make: Make) -> None:
    vmi, facts, _ = make(
        vm(
            {
                "affinity": {"nodeAffinity": {}},
                "nodeSelector": {"a": "b"},
                "tolerations": [{"key": "x", "operator": "Exists"}],
                "evictionStrategy": "LiveMigrate",
                "priorityClassName": "high",
                "schedulerName": "mine",
                "livenessProbe": {"guestAgentPing": {}},
                "domain": {
                    "cpu": {"cores": 2, "dedicatedCpuPlacement": True, "realtime": {}},
                    "devices": {"disks": [{"name": "d", "changedBlockTracking": True}]},
                },
            }
        )
    )
    assert unsupported(vmi, facts) == []
    assert not_acted_on(vmi) == [
        "spec.affinity",
        "spec.nodeSelector",
        "spec.tolerations",
        "spec.schedulerName",
        "spec.priorityClassName",
        "spec.evictionStrategy",
        "spec.livenessProbe",
        "spec.domain.cpu.dedicatedCpuPlacement",
        "spec.domain.cpu.realtime",
        "spec.domain.devices.disks[0].changedBlockTracking",
    ]


def test_what_is_done_in_another_way_is_said(make: Make) -> None:
    vmi, facts, prepared = make(
        vm(
            {
                "domain": {
                    "cpu": {"model": "host-passthrough"},
                    "features": {"hyperv": {"relaxed": {}}},
                    "ioThreadsPolicy": "supplementalPool",
                    "ioThreads": {"supplementalPoolThreadCount": 2},
                    "devices": {"networkInterfaceMultiqueue": True},
                }
            },
            prepared={"warnings": ["from the content half"]},
        )
    )
    assert plan(vmi, facts, prepared).warnings == (
        "from the content half",
        "Hyper-V enlightenments are left out: emulated CPUs do not have them",
        "host-passthrough under emulation is everything that QEMU can emulate",
        "this QEMU serves a disk by one thread of the supplemental pool, not by all",
        "the user-mode network has one queue; networkInterfaceMultiqueue has no effect",
    )


def test_a_device_that_this_qemu_lacks_is_refused_by_its_field(make: Make) -> None:
    tree = vm({"domain": {"devices": {"sound": {"name": "s", "model": "ac97"}}}})
    tree["facts"] = {"qemu": {"devices": ["VGA", "virtio-net-pci-non-transitional"]}}
    vmi, facts, prepared = make(tree)
    with pytest.raises(Unsupported, match="this QEMU has no device"):
        plan(vmi, facts, prepared)


@pytest.mark.parametrize(
    ("tree", "field"),
    [
        (domain(firmware={"bootloader": {"efi": {}}}), "spec.domain.firmware.bootloader.efi"),
        (
            domain(firmware={"kernelBoot": {"container": {"image": "x", "kernelPath": "/k"}}}),
            "spec.domain.firmware.kernelBoot",
        ),
        (devices(tpm={}), f"{DEVICES}.tpm"),
    ],
    ids=["uefi", "kernel", "tpm"],
)
def test_what_nobody_prepared_is_not_left_out_silently(
    tree: dict[str, Any], field: str, make: Make
) -> None:
    with pytest.raises(Refused, match="not prepared") as refused:
        plan(*make(tree))
    assert refused.value.field == field
