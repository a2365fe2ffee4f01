"""Tagged interfaces: a guest is told where they are before the machine is laid out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from virtcrds import VirtualMachineInstance
from virtlauncher.builder.devices import Place
from virtlauncher.builder.pci import guest_address
from virtlauncher.builder.plan import plan
from virtlauncher.builder.prepared import Prepared
from virtlauncher.builder.tags import tagged_devices
from virtlauncher.facts import Facts

GOLDEN = Path(__file__).parents[2] / "golden" / "argv"
CASES = sorted(path.stem for path in GOLDEN.glob("[a-z]*.yaml"))

Case = tuple[VirtualMachineInstance, Facts, Prepared]
Make = Callable[[dict[str, Any]], Case]


def tagged(name: str) -> dict[str, Any]:
    """A golden case whose interfaces all have tags."""
    tree: dict[str, Any] = yaml.safe_load((GOLDEN / f"{name}.yaml").read_text())
    for interface in tree["vmi"]["spec"]["domain"]["devices"].get("interfaces", []):
        interface["tag"] = f"the {interface['name']} one"
    return tree


@pytest.mark.parametrize("name", CASES)
def test_tagged_interfaces_are_where_they_are_said_to_be(name: str, make: Make) -> None:
    vmi, facts, prepared = make(tagged(name))
    built = plan(vmi, facts, prepared)
    tags = {nic.name: nic.tag for nic in vmi.spec.domain.devices.interfaces}
    assert tagged_devices(vmi, facts) == [
        {
            "type": "nic",
            "bus": "pci",
            "address": guest_address(Place.parse(built.abi.devices[nic.device].partition("@")[2])),
            "mac": nic.mac,
            "tags": [tags[nic.name]],
        }
        for nic in built.nics
        if tags[nic.name]
    ]


def test_an_address_is_written_as_a_guest_writes_it() -> None:
    assert guest_address(Place(bus="pci.17", address="0x0")) == "0000:11:00.0"
    assert guest_address(Place(bus="pcie.0", address="0x1a")) == "0000:00:1a.0"


def test_what_has_no_tag_is_not_told(make: Make) -> None:
    vmi, facts, _ = make(yaml.safe_load((GOLDEN / "nics.yaml").read_text()))
    assert tagged_devices(vmi, facts) == []
