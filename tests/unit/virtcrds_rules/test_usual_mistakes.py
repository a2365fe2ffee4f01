"""The mistakes that users of KubeVirt make, with the exact sentences that KubeVirt answers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from virtcrds import ClusterConfig, VirtualMachineInstance, validate

LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
    "and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', "
    "regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    r"for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
ROOT = "{name: root, containerDisk: {image: 'i:1'}}"

MISTAKES = [
    (
        "a disk without its volume",
        "domain: {devices: {disks: [{name: root}, {name: x}]}}",
        "spec.domain.devices.disks[1].name",
        "spec.domain.devices.disks[1].Name 'x' not found.",
    ),
    (
        "a volume without a source",
        "volumes: [{name: root}]",
        "spec.volumes[0]",
        "spec.volumes[0] must have exactly one source type set",
    ),
    (
        "a volume with two sources",
        "volumes: [{name: root, emptyDisk: {capacity: 1Gi}, configMap: {name: c}}]",
        "spec.volumes[0]",
        "spec.volumes[0] must have exactly one source type set",
    ),
    (
        "two volumes of one name",
        f"volumes: [{ROOT}, {ROOT}]",
        "spec.volumes[1].name",
        "spec.volumes[1] and spec.volumes[0] must not have the same Name.",
    ),
    (
        "two disks of one name",
        "domain: {devices: {disks: [{name: root}, {name: root}]}}",
        "spec.domain.devices.disks[1].name",
        "spec.domain.devices.disks[1] and spec.domain.devices.disks[0] "
        "must not have the same Name.",
    ),
    (
        "no memory",
        "domain: {memory: null}",
        "spec.domain.memory.guest",
        "no memory requested, at least one of 'spec.domain.memory.guest', "
        "'spec.domain.memory.hugepages.pageSize' or 'spec.domain.resources.requests.memory' "
        "must be set",
    ),
    (
        "more memory requested than allowed",
        "domain: {resources: {requests: {memory: 2Gi}, limits: {memory: 1Gi}}}",
        "spec.domain.resources.requests.memory",
        "spec.domain.resources.requests.memory '2Gi' is greater than "
        "spec.domain.resources.limits.memory '1Gi'",
    ),
    (
        "bytes instead of mebibytes",
        "domain: {memory: null, resources: {requests: {memory: '64'}}}",
        "spec.domain.resources.requests.memory",
        "spec.domain.resources.requests.memory '64': must be greater than or equal to 1M.",
    ),
    (
        "negative memory",
        "domain: {memory: null, resources: {requests: {memory: -64Mi}}}",
        "spec.domain.resources.requests.memory",
        "spec.domain.resources.requests.memory '-64Mi': must be greater than or equal to 0.",
    ),
    (
        "an old machine",
        "domain: {machine: {type: pc-i440fx-2.1}}",
        "spec.domain.machine.type",
        "spec.domain.machine.type is not supported: pc-i440fx-2.1 (allowed values: [q35* pc-q35*])",
    ),
    (
        "more CPUs requested than allowed",
        "domain: {resources: {requests: {cpu: '2'}, limits: {cpu: '1'}}}",
        "spec.domain.resources.requests.cpu",
        "spec.domain.resources.requests.cpu '2' is greater than "
        "spec.domain.resources.limits.cpu '1'",
    ),
    (
        "an unknown bus",
        "domain: {devices: {disks: [{name: root, disk: {bus: foo}}]}}",
        "spec.domain.devices.disks[0].disk.bus",
        "spec.domain.devices.disks[0] is set with an unrecognized bus foo, "
        "must be one of: [virtio scsi sata usb]",
    ),
    (
        "the IDE bus",
        "domain: {devices: {disks: [{name: root, disk: {bus: ide}}]}}",
        "spec.domain.devices.disks[0].disk.bus",
        "IDE bus is not supported",
    ),
    (
        "a CD-ROM on virtio",
        "domain: {devices: {disks: [{name: root, cdrom: {bus: virtio}}]}}",
        "spec.domain.devices.disks[0].cdrom.bus",
        "Bus type virtio is invalid for CD-ROM device",
    ),
    (
        "a read-only disk on the default bus",
        "domain: {devices: {disks: [{name: root, disk: {readonly: true}}]}}",
        "spec.domain.devices.disks[0].disk.bus",
        "sata hard-disks do not support read-only.",
    ),
    (
        "a disk that is also a CD-ROM",
        "domain: {devices: {disks: [{name: root, disk: {bus: sata}, cdrom: {bus: sata}}]}}",
        "spec.domain.devices.disks[0]",
        "spec.domain.devices.disks[0] can only have a single target type defined",
    ),
    (
        "a LUN of an image",
        "domain: {devices: {disks: [{name: root, lun: {bus: scsi}}]}}",
        "spec.domain.devices.disks[0].lun",
        "spec.domain.devices.disks[0].lun can only be mapped to a DataVolume or "
        "PersistentVolumeClaim volume.",
    ),
    (
        "a boot order from zero",
        "domain: {devices: {disks: [{name: root, bootOrder: 0}]}}",
        "spec.domain.devices.disks[0].bootOrder",
        "spec.domain.devices.disks[0] must have a boot order > 0, if supplied",
    ),
    (
        "a boot order given twice",
        "domain: {devices: {disks: [{name: root, bootOrder: 1}],"
        " interfaces: [{name: default, masquerade: {}, bootOrder: 1}]}}",
        "spec.domain.devices.interfaces[0].bootOrder",
        "Boot order for spec.domain.devices.interfaces[0].bootOrder already set "
        "for a different device.",
    ),
    (
        "cloud-init without data",
        f"volumes: [{ROOT}, {{name: seed, cloudInitNoCloud: {{}}}}]",
        "spec.volumes[1].cloudInitNoCloud",
        "spec.volumes[1].cloudInitNoCloud must have at least one userdatasource or "
        "one networkdatasource set.",
    ),
    (
        "cloud-init data given twice",
        f"volumes: [{ROOT}, "
        "{name: seed, cloudInitNoCloud: {userData: a, userDataBase64: YQ==}}]",
        "spec.volumes[1].cloudInitNoCloud",
        "spec.volumes[1].cloudInitNoCloud must have only one userdatasource set.",
    ),
    (
        "cloud-init data that are too large",
        f"volumes: [{ROOT}, {{name: seed, cloudInitNoCloud: {{userData: {'a' * 2049}}}}}]",
        "spec.volumes[1].cloudInitNoCloud",
        "spec.volumes[1].cloudInitNoCloud userdata exceeds 2048 byte limit. "
        "Should use UserDataSecretRef for larger data.",
    ),
    (
        "cloud-init data that are no base64",
        f"volumes: [{ROOT}, {{name: seed, cloudInitNoCloud: {{userDataBase64: '#cloud-config'}}}}]",
        "spec.volumes[1].cloudInitNoCloud.userDataBase64",
        "spec.volumes[1].cloudInitNoCloud.userDataBase64.cloudInitNoCloud.userDataBase64 "
        "is not a valid base64 value.",
    ),
    (
        "a network without its interface",
        "networks: [{name: default, pod: {}}, {name: n2, multus: {networkName: n}}]",
        "spec.networks[1].name",
        "spec.networks[1].name 'n2' not found.",
    ),
    (
        "an interface without a binding",
        "domain: {devices: {interfaces: [{name: default}]}}",
        "spec.domain.devices.interfaces[0]",
        "logical default interface must have exactly one binding method or binding plugin",
    ),
    (
        "an interface with two bindings",
        "domain: {devices: {interfaces: [{name: default, bridge: {}, masquerade: {}}]}}",
        "spec.domain.devices.interfaces[0]",
        "logical default interface must have exactly one binding method or binding plugin",
    ),
    (
        "masquerade on another network",
        "networks: [{name: default, multus: {networkName: n}}]",
        "spec.domain.devices.interfaces[0].name",
        "Masquerade interface only implemented with pod network",
    ),
    (
        "a network of no type",
        "{domain: {devices: {interfaces: [{name: default, bridge: {}}]}},"
        " networks: [{name: default}]}",
        "spec.networks[0]",
        "should have a network type",
    ),
    (
        "a Multus network without a name",
        "{domain: {devices: {interfaces: [{name: default, bridge: {}}]}},"
        " networks: [{name: default, multus: {}}]}",
        "spec.networks[0]",
        "CNI delegating plugin must have a networkName",
    ),
    (
        "two pod networks",
        "{domain: {devices: {interfaces: [{name: default, bridge: {}}, {name: b, bridge: {}}]}},"
        " networks: [{name: default, pod: {}}, {name: b, pod: {}}]}",
        "spec.interfaces",
        "more than one interface is connected to a pod network in spec.interfaces",
    ),
    (
        "an unknown model",
        "domain: {devices: {interfaces: [{name: default, masquerade: {}, model: foo}]}}",
        "spec.domain.devices.interfaces[0].model",
        "interface spec.domain.devices.interfaces[0].name uses model foo that is not supported.",
    ),
    (
        "a malformed MAC address",
        "domain: {devices: {interfaces: [{name: default, masquerade: {}, macAddress: 'zz:00'}]}}",
        "spec.domain.devices.interfaces[0].macAddress",
        "interface spec.domain.devices.interfaces[0].name has malformed MAC address (zz:00).",
    ),
    (
        "the bridge's MAC address",
        "domain: {devices: {interfaces: [{name: default, masquerade: {},"
        " macAddress: '02:00:00:00:00:00'}]}}",
        "spec.domain.devices.interfaces[0].macAddress",
        "The requested MAC address is reserved for the in-pod bridge. Please choose another one.",
    ),
    (
        "a port without a number",
        "domain: {devices: {interfaces: [{name: default, masquerade: {}, ports: [{name: a}]}]}}",
        "spec.domain.devices.interfaces[0].ports[0].port",
        "Port field is mandatory.",
    ),
    (
        "a port beyond all ports",
        "domain: {devices: {interfaces: "
        "[{name: default, masquerade: {}, ports: [{port: 80000}]}]}}",
        "spec.domain.devices.interfaces[0].ports[0].port",
        "Port field must be in range 0 < x < 65536.",
    ),
    (
        "an unknown protocol",
        "domain: {devices: {interfaces: [{name: default, masquerade: {},"
        " ports: [{port: 80, protocol: SCTP}]}]}}",
        "spec.domain.devices.interfaces[0].ports[0].protocol",
        "Unknown protocol, only TCP or UDP allowed",
    ),
    (
        "two ports of one name",
        "domain: {devices: {interfaces: [{name: default, masquerade: {},"
        " ports: [{name: a, port: 80}, {name: a, port: 81}]}]}}",
        "spec.domain.devices.interfaces[0].ports[1].name",
        "Duplicate name of the port: a",
    ),
    (
        "a hostDisk",
        "volumes: [{name: root, hostDisk: {path: /data/disk.img, type: Disk}}]",
        "spec.volumes[0]",
        "HostDisk feature gate is not enabled",
    ),
    (
        "a host device",
        "domain: {devices: {hostDevices: [{name: d, deviceName: vendor.com/device}]}}",
        "spec.domain.devices.hostDevices",
        "Host Devices feature gate is not enabled in kubevirt-config",
    ),
    (
        "a host name with capitals",
        "hostname: MyHost",
        "spec.hostname",
        f"spec.hostname does not conform to the kubernetes DNS_LABEL rules : {LABEL_RULE}",
    ),
    (
        "a subdomain with an underscore",
        "subdomain: my_domain",
        "spec.subdomain",
        f"spec.subdomain does not conform to the kubernetes DNS_SUBDOMAIN rules : {SUBDOMAIN_RULE}",
    ),
    (
        "an unknown eviction strategy",
        "evictionStrategy: Foo",
        "spec.evictionStrategy",
        "spec.evictionStrategy is set with an unrecognized option: Foo",
    ),
    (
        "an unknown start strategy",
        "startStrategy: Foo",
        "spec.startStrategy",
        "spec.startStrategy is set with an unrecognized option: Foo",
    ),
    (
        "a liveness probe of a paused VM",
        "{startStrategy: Paused, livenessProbe: {guestAgentPing: {}}}",
        "spec.startStrategy",
        "either spec.startStrategy or spec.livenessProbe should be provided."
        "Pausing VMI with LivenessProbe is not supported",
    ),
    (
        "a probe that asks nothing",
        "readinessProbe: {periodSeconds: 5}",
        "spec.readinessProbe",
        "either spec.readinessProbe.tcpSocket, spec.readinessProbe.exec or "
        "spec.readinessProbe.httpGet must be set if a spec.readinessProbe is specified",
    ),
    (
        "a probe that asks twice",
        "readinessProbe: {guestAgentPing: {}, tcpSocket: {port: 22}}",
        "spec.readinessProbe",
        "spec.readinessProbe must have exactly one probe type set",
    ),
    (
        "a web probe without a pod network",
        "{domain: {devices: {interfaces: [{name: default, bridge: {}}]}},"
        " networks: [{name: default, multus: {networkName: n}}],"
        " readinessProbe: {httpGet: {port: 80}}}",
        "spec.readinessProbe.httpGet",
        "spec.readinessProbe.httpGet is only allowed if the Pod Network is attached",
    ),
    (
        "secure boot without SMM",
        "domain: {firmware: {bootloader: {efi: {}}}}",
        "spec.domain",
        "spec.domain has EFI SecureBoot enabled. "
        "SecureBoot requires SMM, which is currently disabled.",
    ),
    (
        "BIOS and UEFI",
        "domain: {firmware: {bootloader: {bios: {}, efi: {secureBoot: false}}}}",
        "spec.domain.firmware.bootloader",
        "spec.domain.firmware.bootloader has both EFI and BIOS configured, "
        "but they are mutually exclusive.",
    ),
]


def test_the_good_instance_is_good(complaints: Callable[..., list[tuple[str, str]]]) -> None:
    assert complaints() == []


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [pytest.param(*mistake[1:], id=mistake[0]) for mistake in MISTAKES],
)
def test_a_usual_mistake_is_answered_as_kubevirt_does(
    complaints: Callable[..., list[tuple[str, str]]], changes: str, field: str, message: str
) -> None:
    assert complaints(changes) == [(field, message)]


def test_an_interface_without_its_network_is_not_found(
    complaints: Callable[..., list[tuple[str, str]]],
) -> None:
    assert complaints("networks: []") == [
        (
            "spec.domain.devices.interfaces[0].name",
            "Masquerade interface only implemented with pod network",
        ),
        (
            "spec.domain.devices.interfaces[0].name",
            "spec.domain.devices.interfaces[0].name 'default' not found.",
        ),
    ]


def test_a_bridge_on_the_pod_network_may_be_forbidden(
    make_vmi: Callable[..., VirtualMachineInstance],
) -> None:
    vmi = make_vmi("domain: {devices: {interfaces: [{name: default, bridge: {}}]}}")
    found = validate(vmi, ClusterConfig(permit_bridge_on_pod_network=False))
    assert [(one.field, one.message) for one in found] == [
        (
            "spec.domain.devices.interfaces[0].name",
            "Bridge on pod network configuration is not enabled under kubevirt-config",
        )
    ]


def test_a_sidecar_needs_its_gate(complaints: Callable[..., list[tuple[str, str]]]) -> None:
    annotations = {"hooks.kubevirt.io/hookSidecars": "[]"}
    assert complaints("{}", annotations=annotations) == [
        (
            "metadata.annotations",
            "sidecar feature gate is not enabled in kubevirt-config, invalid entry "
            "metadata.annotations.hooks.kubevirt.io/hookSidecars",
        )
    ]
    assert complaints("{}", "Sidecar", annotations=annotations) == []
