"""Models from Python: frozen, by attribute names, written as JSON."""

from __future__ import annotations

import pydantic
import pytest

from virtcrds import VirtualMachine, VirtualMachineInstance, parse, vmi_of
from virtcrds.core.devices import Devices
from virtcrds.core.disks import Disk, DiskTarget
from virtcrds.core.domain import DomainSpec
from virtcrds.core.vmi import VirtualMachineInstanceSpec
from virtcrds.core.volumes import CloudInitSource
from virtcrds.kubernetes.meta import ObjectMeta


def a_vmi() -> VirtualMachineInstance:
    disk = Disk(name="root", disk=DiskTarget(bus="virtio"), dedicated_io_thread=True)
    return VirtualMachineInstance(
        metadata=ObjectMeta(name="one"),
        spec=VirtualMachineInstanceSpec(domain=DomainSpec(devices=Devices(disks=(disk,)))),
    )


def test_a_model_is_written_with_what_was_set() -> None:
    disk = {"name": "root", "disk": {"bus": "virtio"}, "dedicatedIOThread": True}
    assert a_vmi().to_json() == {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstance",
        "metadata": {"name": "one"},
        "spec": {"domain": {"devices": {"disks": [disk]}}},
    }


def test_pydantic_writes_the_same() -> None:
    assert a_vmi().spec.model_dump() == a_vmi().spec.to_json()


def test_what_was_not_set_has_its_default() -> None:
    vmi = a_vmi()
    assert vmi.spec.volumes == ()
    assert vmi.spec.domain.resources.requests == {}
    assert vmi.status.phase == ""
    assert vmi.status.guest_os_info.name == ""


def test_a_field_that_is_set_to_none_is_absent() -> None:
    disk = Disk(name="root", disk=DiskTarget()).model_copy(update={"disk": None})
    assert disk.to_json() == {"name": "root"}


def test_a_model_does_not_change() -> None:
    with pytest.raises(pydantic.ValidationError):
        setattr(a_vmi().spec, "hostname", "other")  # noqa: B010  (mypy forbids the plain form)


def test_a_vmi_that_was_read_equals_one_that_was_built() -> None:
    read = parse(a_vmi().to_json()).object
    assert isinstance(read, VirtualMachineInstance)
    assert read.spec == a_vmi().spec


def test_user_data_are_not_shown() -> None:
    shown = repr(CloudInitSource(user_data="secret", user_data_base64="c2VjcmV0"))
    assert "secret" not in shown
    assert "c2VjcmV0" not in shown


def test_the_vmi_of_a_vm_has_its_name_and_its_template() -> None:
    vm = parse(
        {
            "apiVersion": "kubevirt.io/v1",
            "kind": "VirtualMachine",
            "metadata": {"name": "one", "namespace": "lab", "labels": {"of": "vm"}},
            "spec": {
                "runStrategy": "Always",
                "template": {
                    "metadata": {"labels": {"of": "template"}, "annotations": {"a": "b"}},
                    "spec": {"domain": {"devices": {}}, "hostname": "guest"},
                },
            },
        }
    ).object
    assert isinstance(vm, VirtualMachine)
    assert vmi_of(vm).to_json() == {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstance",
        "metadata": {
            "name": "one",
            "namespace": "lab",
            "labels": {"of": "template"},
            "annotations": {"a": "b"},
        },
        "spec": {"domain": {"devices": {}}, "hostname": "guest"},
    }
