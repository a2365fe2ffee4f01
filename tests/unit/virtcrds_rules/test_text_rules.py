"""Text that is aimed at logs, seeds, command lines or memory is refused, wherever it stands."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from virtcrds import VirtualMachineInstance, validate

Complaints = Callable[..., list[tuple[str, str]]]

PLACES = {
    "spec.domain.cpu.model": "domain: {cpu: {cores: 1, model: TEXT}}",
    "spec.domain.cpu.features[0].name": "domain: {cpu: {cores: 1, features: [{name: TEXT}]}}",
    "spec.domain.chassis.manufacturer": "domain: {chassis: {manufacturer: TEXT}}",
    "spec.domain.firmware.kernelBoot.kernelArgs": (
        "domain: {firmware: {kernelBoot: {kernelArgs: TEXT, "
        "container: {image: i, kernelPath: /k}}}}"
    ),
    "spec.domain.devices.disks[0].tag": "domain: {devices: {disks: [{name: root, tag: TEXT}]}}",
    "spec.domain.devices.gpus[0].name": "domain: {devices: {gpus: [{name: TEXT}]}}",
    "spec.volumes[0].containerDisk.image": "volumes: [{name: root, containerDisk: {image: TEXT}}]",
    "spec.volumes[0].containerDisk.path": (
        "volumes: [{name: root, containerDisk: {image: i, path: /TEXT}}]"
    ),
    "spec.networks[0].multus.networkName": (
        "{domain: {devices: {interfaces: [{name: default, bridge: {}}]}}, "
        "networks: [{name: default, multus: {networkName: TEXT}}]}"
    ),
    "spec.domain.devices.interfaces[0].dhcpOptions.bootFileName": (
        "domain: {devices: {interfaces: "
        "[{name: default, masquerade: {}, dhcpOptions: {bootFileName: TEXT}}]}}"
    ),
    "spec.schedulerName": "schedulerName: TEXT",
}


@pytest.mark.parametrize(("field", "changes"), PLACES.items(), ids=PLACES)
@pytest.mark.parametrize(
    "text", ["a\nb", "a\x00b", "a\rb", "a\x1b[2Jb", "a\x85b", "a\u2028b", "\ta", "a\x7f"]
)
def test_control_characters_are_refused(
    complaints: Complaints, field: str, changes: str, text: str
) -> None:
    quoted = changes.replace("/TEXT", json.dumps("/" + text)).replace("TEXT", json.dumps(text))
    assert complaints(quoted) == [(field, f"{field} must not contain control characters")]


@pytest.mark.parametrize("field", ["spec.domain.cpu.model", "spec.volumes[0].containerDisk.image"])
def test_a_megabyte_is_refused(complaints: Complaints, field: str) -> None:
    changes = PLACES[field].replace("TEXT", "a" * (1 << 20))
    assert complaints(changes) == [(field, f"{field} must be no more than 4096 characters")]


@pytest.mark.parametrize(("field", "changes"), PLACES.items(), ids=PLACES)
def test_what_json_carries_is_no_reason_to_refuse(
    complaints: Complaints, field: str, changes: str
) -> None:
    text = "a,b=c\"d'e\\f $g;h ü"
    quoted = changes.replace("/TEXT", json.dumps("/" + text)).replace("TEXT", json.dumps(text))
    assert complaints(quoted) == []


def test_documents_have_lines_but_no_nul(complaints: Complaints) -> None:
    script = "volumes: [{name: root, cloudInitNoCloud: {userData: TEXT, networkData: TEXT}}]"
    assert complaints(script.replace("TEXT", json.dumps("#!/bin/sh\n\techo ü\r\n"))) == []
    assert complaints(script.replace("TEXT", json.dumps("a\x00b"))) == [
        (
            f"spec.volumes[0].cloudInitNoCloud.{name}",
            f"spec.volumes[0].cloudInitNoCloud.{name} must not contain NUL characters",
        )
        for name in ("userData", "networkData")
    ]


def test_fifty_megabytes_of_user_data_are_refused_without_repeating_them(
    make_vmi: Callable[..., VirtualMachineInstance],
) -> None:
    vmi = VirtualMachineInstance.from_json(
        make_vmi().to_json()
        | {
            "spec": make_vmi().spec.to_json()
            | {"volumes": [{"name": "root", "cloudInitNoCloud": {"userData": "a" * 50_000_000}}]}
        }
    )
    assert [violation.message for violation in validate(vmi)] == [
        "spec.volumes[0].cloudInitNoCloud userdata exceeds 2048 byte limit. "
        "Should use UserDataSecretRef for larger data.",
        "spec.volumes[0].cloudInitNoCloud.userData must be no more than 1048576 characters",
    ]


def test_messages_stay_short_and_on_one_line(
    make_vmi: Callable[..., VirtualMachineInstance],
) -> None:
    vmi = make_vmi(f'domain: {{devices: {{disks: [{{name: root, cache: "{"a" * 5000}\\n"}}]}}}}')
    messages = [violation.message for violation in validate(vmi)]
    assert len(messages) == 1
    assert len(messages[0]) == 1027
    assert messages[0].endswith("aaa...")
    short = make_vmi('domain: {devices: {disks: [{name: root, cache: "a\\nb"}]}}')
    assert [violation.message for violation in validate(short)] == [
        "spec.domain.devices.disks[0].cache has invalid value a\N{REPLACEMENT CHARACTER}b"
    ]


def test_a_field_that_a_rule_refused_is_not_refused_again(complaints: Complaints) -> None:
    assert [field for field, _ in complaints('hostname: "a\\nb"')] == ["spec.hostname"]
