"""Documents become objects, or say what is wrong with them."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
import yaml

from virtcrds import InvalidObject, Violation, VirtualMachine, VirtualMachineInstance, parse


def vmi(**spec: Any) -> dict[str, Any]:
    """A VMI whose spec is `spec`, the domain filled in when it is missing."""
    return {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstance",
        "metadata": {"name": "one"},
        "spec": {"domain": {"devices": {}}} | spec,
    }


def domain(**fields: Any) -> dict[str, Any]:
    return vmi(domain={"devices": {}} | fields)


def complaints(document: object) -> list[str]:
    with pytest.raises(InvalidObject) as caught:
        parse(document)
    return [violation.message for violation in caught.value.violations]


def test_a_document_becomes_a_model() -> None:
    parsed = parse(domain(cpu={"cores": 2}, memory={"guest": "1Gi"}))
    assert isinstance(parsed.object, VirtualMachineInstance)
    assert parsed.object.metadata.name == "one"
    assert parsed.object.spec.domain.cpu is not None
    assert parsed.object.spec.domain.cpu.cores == 2
    assert (parsed.unknown, parsed.notes) == ((), ())


def test_every_wrong_type_is_a_violation_with_its_path() -> None:
    document = vmi(
        domain={
            "cpu": {"cores": "two", "sockets": -1, "threads": True, "maxSockets": 2**32},
            "memory": {"guest": 1.5, "maxGuest": "1Q"},
            "devices": {"disks": [{"disk": {"bus": ["virtio"]}}, 3]},
        },
        volumes={"name": "root"},
        terminationGracePeriodSeconds=2**63,
        hostname=7,
    )
    with pytest.raises(InvalidObject) as caught:
        parse(document)
    cpu, memory, disks = (f"spec.domain.{name}" for name in ("cpu", "memory", "devices.disks"))
    assert {
        (v.field, v.message.removeprefix(f"{v.field} in body ")) for v in caught.value.violations
    } == {
        (f"{cpu}.cores", 'must be of type integer: "two"'),
        (f"{cpu}.sockets", "should be greater than or equal to 0"),
        (f"{cpu}.threads", "must be of type integer: true"),
        (f"{cpu}.maxSockets", "should be less than or equal to 4294967295"),
        (f"{memory}.guest", "must be of type integer,string: 1.5"),
        (f"{memory}.maxGuest", "is invalid: unable to parse quantity's suffix"),
        (f"{disks}[0].name", "is required"),
        (f"{disks}[0].disk.bus", 'must be of type string: "array"'),
        (f"{disks}[1]", "must be of type object: 3"),
        ("spec.volumes", 'must be of type array: "object"'),
        ("spec.terminationGracePeriodSeconds", f"should be less than or equal to {2**63 - 1}"),
        ("spec.hostname", "must be of type string: 7"),
    }


def test_what_is_required_is_said() -> None:
    document = vmi() | {"spec": {}}
    with pytest.raises(InvalidObject) as caught:
        parse(document)
    assert caught.value.violations == (
        Violation(
            field="spec.domain",
            message="spec.domain in body is required",
            reason="FieldValueRequired",
        ),
    )


def test_values_that_kubevirt_itself_refuses_are_left_to_it() -> None:
    parse(domain(devices={"disks": [{"name": "a", "disk": {"bus": "foo"}}], "interfaces": []}))
    parse(vmi(evictionStrategy="Foo", startStrategy="Foo", networks=[{"name": "a", "multus": {}}]))
    parse({"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "spec": {"runStrategy": "F"}})


def test_unknown_fields_are_kept_and_named() -> None:
    disk = {"name": "a", "foo": 1, "disk": {"bar": {}}}
    document = domain(devices={"disks": [{"name": "b"}, disk]}) | {"extra": []}
    parsed = parse(document)
    assert set(parsed.unknown) == {
        "extra",
        "spec.domain.devices.disks[1].foo",
        "spec.domain.devices.disks[1].disk.bar",
    }
    assert parsed.object.to_json() == document


def test_attribute_names_are_no_field_names() -> None:
    parsed = parse(vmi(termination_grace_period_seconds=5))
    assert parsed.unknown == ("spec.termination_grace_period_seconds",)
    assert isinstance(parsed.object, VirtualMachineInstance)
    assert parsed.object.spec.termination_grace_period_seconds is None


def test_nulls_are_absent_fields() -> None:
    document = yaml.safe_load(
        "{apiVersion: kubevirt.io/v1, kind: VirtualMachineInstance, metadata: {name: one,"
        " creationTimestamp: }, spec: {domain: {devices: {disks: }, cpu: }, volumes: ~}, status: }"
    )
    assert parse(document).object.to_json() == vmi() | {"metadata": {"name": "one"}}


def test_a_null_in_a_list_is_a_mistake() -> None:
    assert complaints(vmi(volumes=[None])) == [
        "spec.volumes[0] in body must be of type object: null"
    ]


def test_yaml_that_json_cannot_say_is_read_as_kubernetes_reads_it() -> None:
    metadata = {
        "name": "one",
        "creationTimestamp": datetime.datetime(2024, 1, 2, 3, 4, 5, tzinfo=datetime.UTC),
        "labels": {2: "x", True: "y"},
    }
    document = domain(cpu={"cores": 2.0}) | {"metadata": metadata}
    read = parse(document).object
    assert read.metadata.creation_timestamp == "2024-01-02T03:04:05Z"
    assert read.metadata.labels == {"2": "x", "true": "y"}
    assert isinstance(read, VirtualMachineInstance)
    assert read.spec.domain.cpu is not None
    assert read.spec.domain.cpu.cores == 2


@pytest.mark.parametrize("text", ["", "now", "2024-01-02", "2024-01-02T03:04:05 ", "1700000000"])
def test_a_time_that_the_server_would_refuse_is_refused(text: str) -> None:
    document = vmi() | {"metadata": {"name": "one", "creationTimestamp": text}}
    assert complaints(document) == [
        f'metadata.creationTimestamp in body must be of type date-time: "{text}"'
    ]


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ([], "the document is no object with apiVersion and kind"),
        ("text", "the document is no object with apiVersion and kind"),
        (None, "the document is no object with apiVersion and kind"),
        ({}, "apiVersion in body is required and must be of type string"),
        ({"apiVersion": 1}, "apiVersion in body is required and must be of type string"),
        ({"apiVersion": "v1"}, "kind in body is required and must be of type string"),
        ({"apiVersion": "v1", "kind": "Pod"}, 'no matches for kind "Pod" in version "v1"'),
        (
            {"apiVersion": "kubevirt.io/v9", "kind": "VirtualMachine"},
            'no matches for kind "VirtualMachine" in version "kubevirt.io/v9"',
        ),
        (
            {"apiVersion": "kubevirt.io/v1alpha1", "kind": "Foo"},
            'no matches for kind "Foo" in version "kubevirt.io/v1"',
        ),
        (vmi(hostname=float("nan")), "spec.hostname is no JSON value: float"),
        (vmi(hostname=b"x"), "spec.hostname is no JSON value: bytes"),
        (vmi(nodeSelector={(1, 2): "x"}), "spec.nodeSelector has a key that is no string: (1, 2)"),
    ],
)
def test_what_is_no_object_is_refused_with_one_sentence(document: object, complaint: str) -> None:
    assert complaints(document) == [complaint]


def test_a_deep_document_is_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"a": deep}
    (complaint,) = complaints(vmi(foo=deep))
    assert complaint.endswith("is nested more than 64 levels deep")


def test_an_endless_document_is_refused() -> None:
    document = yaml.safe_load("&all {apiVersion: kubevirt.io/v1, kind: VirtualMachine, spec: *all}")
    (complaint,) = complaints(document)
    assert complaint.endswith("is nested more than 64 levels deep")


def test_a_document_that_swells_is_refused() -> None:
    laughs: list[Any] = ["ha"]
    for _ in range(30):
        laughs = [laughs, laughs]
    assert complaints(vmi(foo=laughs)) == [
        "the document is too large: at most 3145728 characters, 100000 values"
    ]


def test_a_document_with_a_huge_text_is_refused() -> None:
    assert complaints(vmi(hostname="x" * 2**22)) == [
        "the document is too large: at most 3145728 characters, 100000 values"
    ]


def test_many_mistakes_are_not_all_told() -> None:
    assert len(complaints(vmi(networks=[1] * 200))) == 100


def test_too_many_volumes_are_refused() -> None:
    volumes = [{"name": str(number), "emptyDisk": {"capacity": 1}} for number in range(257)]
    assert complaints(vmi(volumes=volumes)) == [
        "spec.volumes in body should have at most 256 items"
    ]


def test_the_value_of_an_object_is_not_shown() -> None:
    cloud_init = {"userData": {"password": "secret"}}
    (complaint,) = complaints(vmi(volumes=[{"name": "seed", "cloudInitNoCloud": cloud_init}]))
    assert "secret" not in complaint


def test_v1alpha3_is_read_as_v1() -> None:
    parsed = parse(vmi() | {"apiVersion": "kubevirt.io/v1alpha3"})
    read = parsed.object
    assert parsed.notes == (
        "kubevirt.io/v1alpha3 is now deprecated and will be removed in a future release.",
    )
    assert read.to_json() == vmi()


def test_a_vm_keeps_its_own_sentence_about_a_missing_template() -> None:
    read = parse({"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "spec": {}}).object
    assert isinstance(read, VirtualMachine)
    assert read.spec.template is None
