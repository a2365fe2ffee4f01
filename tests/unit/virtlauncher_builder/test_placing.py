"""Places of devices: stable, replayed, and free ports by KubeVirt's rule."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from virtcrds import VirtualMachineInstance
from virtlauncher.builder.plan import plan
from virtlauncher.builder.prepared import Prepared
from virtlauncher.errors import Refused, Unsupported
from virtlauncher.facts import Facts

GOLDEN = Path(__file__).parents[2] / "golden" / "argv"
CASES = sorted(path.stem for path in GOLDEN.glob("[a-z]*.yaml"))

Case = tuple[VirtualMachineInstance, Facts, Prepared]
Make = Callable[[dict[str, Any]], Case]


def machine(
    *, nics: int = 1, disks: int = 1, memory: str = "1Gi", **devices: Any
) -> dict[str, Any]:
    names = [f"n{i}" for i in range(nics)]
    return {
        "vmi": {
            "metadata": {"name": "vm", "annotations": devices.pop("annotations", {})},
            "spec": {
                "domain": {
                    "memory": {"guest": memory},
                    "devices": {
                        "autoattachPodInterface": False,
                        "disks": [
                            {"name": f"d{i}", "disk": {"bus": "virtio"}} for i in range(disks)
                        ],
                        "interfaces": [{"name": name, "bridge": {}} for name in names],
                    }
                    | devices,
                },
                "networks": [{"name": name, "multus": {"networkName": "x"}} for name in names],
            },
        },
        "facts": {
            "nics": {
                name: {"kind": "user", "mac": f"02:00:00:00:00:{i:02x}"}
                for i, name in enumerate(names)
            }
        },
        "prepared": {"disks": {f"d{i}": volume(f"d{i}") for i in range(disks)}},
    }


def volume(name: str) -> dict[str, Any]:
    layer = {"format": "raw", "readonly_fd": f"{name}/ro", "readwrite_fd": f"{name}/rw"}
    return {"volume": name, "size": 1 << 20, "layers": [layer]}


@pytest.mark.parametrize("name", CASES)
def test_a_recorded_guest_is_rebuilt_as_it_was(name: str, case: Callable[[str], Case]) -> None:
    vmi, facts, prepared = case(name)
    first = plan(vmi, facts, prepared, now=lambda: 0)
    again = dataclasses.replace(facts, abi=first.abi.__dict__)
    assert plan(vmi, again, prepared, now=lambda: 0) == first


@pytest.mark.parametrize(
    ("nics", "disks", "memory", "ports"),
    [
        # In use: the NICs, SCSI, serial, disks, balloon. Kept for NICs: up to four in all.
        pytest.param(1, 2, "1Gi", 9, id="the everyday VM: three spare NIC ports are enough"),
        pytest.param(0, 1, "1Gi", 4 + 4, id="no NIC: none are kept for NICs, eight in all"),
        pytest.param(1, 1, "4Gi", 8 + 8, id="a large guest: sixteen, three of them for NICs"),
        pytest.param(5, 9, "1Gi", 17 + 3, id="many devices: three are free at least"),
        pytest.param(4, 25, "4Gi", 32, id="no spare port beyond bus 31"),
    ],
)
def test_free_ports_follow_kubevirts_rule(
    nics: int, disks: int, memory: str, ports: int, make: Make
) -> None:
    built = plan(*make(machine(nics=nics, disks=disks, memory=memory)))
    assert sum(name.startswith("pci.") for name in built.abi.devices) == ports


def test_nics_come_first_whatever_else_there_is(make: Make) -> None:
    for disks in (0, 3, 12):
        built = plan(*make(machine(nics=2, disks=disks, rng={})))
        places = [built.abi.devices[one.device].partition("@")[2] for one in built.nics]
        assert places == ["pci.1/0x0", "pci.2/0x0"]


def test_no_two_devices_share_a_place(make: Make) -> None:
    built = plan(*make(machine(nics=4, disks=60, sound={"name": "s"}, rng={})))
    places = [text.partition("@")[2] for text in built.abi.devices.values()]
    pci = [place for place in places if place.startswith("pci")]
    assert len(pci) == len(set(pci)) > 130


@pytest.mark.parametrize(
    ("slots", "ports"), [("0", 5 + 3), ("6", 6 + 4), ("1", 5 + 3)], ids=["none", "six", "one"]
)
def test_the_annotation_says_how_many_interfaces_can_be_plugged(
    slots: str, ports: int, make: Make
) -> None:
    annotations = {"kubevirt.io/pci-interface-slot-count": slots}
    built = plan(*make(machine(annotations=annotations)))
    assert sum(name.startswith("pci.") for name in built.abi.devices) == ports


def test_a_number_of_slots_that_is_none_is_refused(make: Make) -> None:
    annotations = {"kubevirt.io/pci-interface-slot-count": "many"}
    with pytest.raises(Refused) as refused:
        plan(*make(machine(annotations=annotations)))
    assert refused.value.field == "metadata.annotations[kubevirt.io/pci-interface-slot-count]"


def test_two_devices_cannot_wish_for_one_address(make: Make) -> None:
    tree = machine(nics=2)
    for interface in tree["vmi"]["spec"]["domain"]["devices"]["interfaces"]:
        interface["pciAddress"] = "0000:04:00.0"
    with pytest.raises(Refused, match="both want the PCI address") as refused:
        plan(*make(tree))
    assert refused.value.field == "spec.domain.devices.interfaces[1]"


@pytest.mark.parametrize(
    "address", ["0000:81:00.1", "0000:04:01.0", "0001:04:00.0", "0000:00:1f.0"]
)
def test_an_address_that_the_layout_lacks_is_refused(address: str, make: Make) -> None:
    tree = machine()
    tree["vmi"]["spec"]["domain"]["devices"]["interfaces"][0]["pciAddress"] = address
    with pytest.raises(Unsupported) as refused:
        plan(*make(tree))
    assert refused.value.field == "spec.domain.devices.interfaces[0].pciAddress"


def test_a_wish_for_a_slot_full_of_ports_is_refused(make: Make) -> None:
    tree = machine(disks=60)
    tree["vmi"]["spec"]["domain"]["devices"]["interfaces"][0]["pciAddress"] = "0000:00:08.0"
    with pytest.raises(Refused, match="root ports fill"):
        plan(*make(tree))


def test_more_tablets_than_usb_has_ports_are_refused(make: Make) -> None:
    inputs = [{"name": f"t{i}", "type": "tablet", "bus": "usb"} for i in range(16)]
    with pytest.raises(Refused, match="no more than 15 devices"):
        plan(*make(machine(inputs=inputs)))


@pytest.mark.parametrize(
    "abi",
    [
        pytest.param({"version": 1}, id="incomplete"),
        pytest.param({"version": 2}, id="newer"),
        pytest.param({"firmware": "efi"}, id="other-firmware"),
        pytest.param({"machine": 7}, id="wrong-type"),
    ],
)
def test_a_record_that_does_not_fit_is_refused(abi: dict[str, Any], make: Make) -> None:
    vmi, facts, prepared = make(machine())
    whole = plan(vmi, facts, prepared).to_json()["abi"]
    record = abi if abi == {"version": 1} else whole | abi
    with pytest.raises(Refused):
        plan(vmi, dataclasses.replace(facts, abi=record), prepared)


def test_more_sata_disks_than_controllers_carry_are_refused(make: Make) -> None:
    tree = machine(disks=31)
    for disk in tree["vmi"]["spec"]["domain"]["devices"]["disks"]:
        disk["disk"] = {"bus": "sata"}
    with pytest.raises(Refused, match="the sata bus takes no more than 30 devices") as refused:
        plan(*make(tree))
    assert refused.value.field == "spec.domain.devices.disks[30]"
