"""The API's first spellings are read as today's."""

from __future__ import annotations

import yaml

from virtcrds import InvalidObject, parse

ARTICLE = """
apiVersion: kubevirt.io/v1alpha1
kind: VirtualMachine
metadata:
  name: article
  labels: {app: web}
spec:
  terminationGracePeriodSeconds: 0
  domain:
    resources: {requests: {memory: 128M}}
    devices:
      disks:
      - {name: registrydisk, volumeName: registryvolume, disk: {bus: virtio}}
      - {name: cloudinitdisk, volumeName: cloudinitvolume, disk: {bus: virtio}}
  volumes:
  - name: registryvolume
    registryDisk: {image: "registry/cirros:devel"}
  - name: cloudinitvolume
    cloudInitNoCloud: {userData: "#!/bin/sh"}
"""


def test_a_machine_of_the_first_article_runs_once() -> None:
    parsed = parse(yaml.safe_load(ARTICLE))
    assert parsed.object.to_json() == {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachine",
        "metadata": {"name": "article", "labels": {"app": "web"}},
        "spec": {
            "runStrategy": "Once",
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {
                    "terminationGracePeriodSeconds": 0,
                    "domain": {
                        "resources": {"requests": {"memory": "128M"}},
                        "devices": {
                            "disks": [
                                {"name": "registryvolume", "disk": {"bus": "virtio"}},
                                {"name": "cloudinitvolume", "disk": {"bus": "virtio"}},
                            ]
                        },
                    },
                    "volumes": [
                        {
                            "name": "registryvolume",
                            "containerDisk": {"image": "registry/cirros:devel"},
                        },
                        {"name": "cloudinitvolume", "cloudInitNoCloud": {"userData": "#!/bin/sh"}},
                    ],
                },
            },
        },
    }
    assert parsed.unknown == ()
    assert parsed.notes == (
        "spec.volumes[0].registryDisk is called containerDisk today",
        "spec.domain.devices.disks[0].volumeName is the disk's name today",
        "spec.domain.devices.disks[1].volumeName is the disk's name today",
        "spec: a VirtualMachine of this version runs once (runStrategy: Once)",
    )


def test_an_instance_of_v1alpha2_stays_an_instance() -> None:
    document = yaml.safe_load(ARTICLE) | {
        "apiVersion": "kubevirt.io/v1alpha2",
        "kind": "VirtualMachineInstance",
    }
    read = parse(document).object.to_json()
    assert (read["apiVersion"], read["kind"]) == ("kubevirt.io/v1", "VirtualMachineInstance")
    assert [disk["name"] for disk in read["spec"]["domain"]["devices"]["disks"]] == [
        "registryvolume",
        "cloudinitvolume",
    ]


def test_an_offline_machine_keeps_its_switch() -> None:
    machine = yaml.safe_load(ARTICLE)
    document = {
        "apiVersion": "kubevirt.io/v1alpha1",
        "kind": "OfflineVirtualMachine",
        "metadata": {"name": "off"},
        "spec": {"running": False, "template": {"spec": machine["spec"]}},
    }
    parsed = parse(document)
    spec = parsed.object.to_json()["spec"]
    assert spec["running"] is False
    assert "containerDisk" in spec["template"]["spec"]["volumes"][0]
    assert parsed.notes[0] == "kind: OfflineVirtualMachine is VirtualMachine today"
    assert parsed.notes[1] == (
        "spec.template.spec.volumes[0].registryDisk is called containerDisk today"
    )


def test_paths_are_those_of_the_document() -> None:
    document = yaml.safe_load(ARTICLE)
    document["spec"]["domain"]["foo"] = 1
    assert parse(document).unknown == ("spec.domain.foo",)
    document["spec"]["domain"]["cpu"] = {"cores": "two"}
    try:
        parse(document)
    except InvalidObject as error:
        assert [(v.field, v.message) for v in error.violations] == [
            (
                "spec.domain.cpu.cores",
                'spec.domain.cpu.cores in body must be of type integer: "two"',
            )
        ]


def test_odd_shapes_are_left_to_the_models() -> None:
    document = {
        "apiVersion": "kubevirt.io/v1alpha1",
        "kind": "VirtualMachine",
        "metadata": 1,
        "spec": {"domain": {"devices": {"disks": [1]}}, "volumes": 2},
    }
    try:
        parse(document)
    except InvalidObject as error:
        assert [violation.field for violation in error.violations] == [
            "metadata",
            "spec.domain.devices.disks[0]",
            "spec.volumes",
        ]
