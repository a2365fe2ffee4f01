"""Disks, volumes, cloud-init and names of other objects: a table of what is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Complaints = Callable[..., list[tuple[str, str]]]

DISK = "spec.domain.devices.disks[0]"
VOLUME = "spec.volumes[0]"
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
RELATIVE = "must be an absolute path to a file without relative components"


def disk(settings: str) -> str:
    return f"domain: {{devices: {{disks: [{{name: root, {settings}}}]}}}}"


def block(settings: str, bus: str = "virtio") -> str:
    return disk(f"disk: {{bus: {bus}}}, blockSize: {{custom: {{{settings}}}}}")


def volume(source: str) -> str:
    return f"volumes: [{{name: root, {source}}}]"


REFUSED = {
    "a serial with a blank": (
        disk("serial: 'a b'"),
        (
            f"{DISK}.serial",
            f"{DISK} must be made up of the following characters [A-Za-z0-9_.+-], if specified",
        ),
    ),
    "a serial that is too long": (
        disk(f"serial: {'a' * 257}"),
        (
            f"{DISK}.serial",
            f"{DISK} must be less than or equal to 256 in length, if specified",
        ),
    ),
    "an unknown cache mode": (
        disk("cache: unsafe"),
        (f"{DISK}.cache", f"{DISK}.cache has invalid value unsafe"),
    ),
    "a shared disk with a cache": (
        disk("shareable: true, cache: writethrough"),
        (f"{DISK}.cache", "a sharable disk requires cache = none got: writethrough"),
    ),
    "an unknown I/O mode": (
        disk("io: io_uring"),
        (
            f"{DISK}.io",
            "Disk IO mode for spec.domain.devices.disks is not supported. "
            "Supported modes are: native, threads.",
        ),
    ),
    "an unknown error policy": (
        disk("errorPolicy: panic"),
        (f"{DISK}.errorPolicy", f'{DISK}.errorPolicy has invalid value "panic"'),
    ),
    "an unknown state of a tray": (
        disk("cdrom: {tray: ajar}"),
        (f"{DISK}.cdrom.tray", f"{DISK}.cdrom.tray has invalid value ajar"),
    ),
    "an I/O thread for a SATA disk": (
        disk("disk: {bus: sata}, dedicatedIOThread: true"),
        (DISK, "IOThreads are not supported for disks on a sata bus"),
    ),
    "a PCI address of a SATA disk": (
        disk("disk: {bus: sata, pciAddress: '0000:81:01.0'}"),
        (
            f"{DISK}.disk.pciAddress",
            f"disk {DISK}.name - setting a PCI address is only possible with bus type virtio.",
        ),
    ),
    "a malformed PCI address": (
        disk("disk: {bus: virtio, pciAddress: '0000:81:01.8'}"),
        (
            f"{DISK}.disk.pciAddress",
            f"disk {DISK}.name has malformed PCI address (0000:81:01.8).",
        ),
    ),
    "sectors larger than blocks": (
        block("logical: 4096, physical: 512"),
        (
            f"{DISK}.blockSize.custom.logical",
            "Logical size 4096 must be the same or less than the physical size of 512",
        ),
    ),
    "large sectors on SATA": (
        block("logical: 4096, physical: 4096", "sata"),
        (f"{DISK}.blockSize.custom.logical", "Logical size 4096 must be 512 for SATA devices"),
    ),
    "small sectors": (
        block("logical: 256, physical: 512"),
        (
            f"{DISK}.blockSize.custom.logical",
            "Provided size of 256 is less than the supported minimum size of 512",
        ),
    ),
    "enormous blocks": (
        block("logical: 512, physical: 4194304"),
        (
            f"{DISK}.blockSize.custom.physical",
            "Provided size of 4194304 is greater than the supported maximum size of 2097152",
        ),
    ),
    "odd blocks": (
        block("logical: 512, physical: 1000"),
        (f"{DISK}.blockSize.custom.physical", "Provided size of 1000 is not a power of 2"),
    ),
    "discarding parts of sectors": (
        block("logical: 4096, physical: 4096, discardGranularity: 512"),
        (
            f"{DISK}.blockSize.custom.discardGranularity",
            "Discard granularity 512 must be multiples of logical size 4096",
        ),
    ),
    "block sizes given and matched": (
        disk("blockSize: {matchVolume: {}, custom: {logical: 512, physical: 512}}"),
        (
            f"{DISK}.blockSize",
            "Block size matching can't be enabled together with a custom value",
        ),
    ),
    "an image without a name": (
        volume("containerDisk: {image: ''}"),
        (f"{VOLUME}.containerDisk.image", f"{VOLUME}.containerDisk.image is a required field"),
    ),
    "an unknown pull policy": (
        volume("containerDisk: {image: i, imagePullPolicy: Sometimes}"),
        (
            f"{VOLUME}.containerDisk.imagePullPolicy",
            f"{VOLUME}.containerDisk.imagePullPolicy has invalid value Sometimes",
        ),
    ),
    "a disk in the image's root": (
        volume("containerDisk: {image: i, path: /}"),
        (f"{VOLUME}.containerDisk", f"{VOLUME}.containerDisk must not point to root"),
    ),
    "an empty path": (
        volume("containerDisk: {image: i, path: ''}"),
        (f"{VOLUME}.containerDisk", f"{VOLUME}.containerDisk must not be empty"),
    ),
    "a path without an end": (
        volume(f"containerDisk: {{image: i, path: /{'a' * 5000}}}"),
        (
            f"{VOLUME}.containerDisk.path",
            f"{VOLUME}.containerDisk.path must be no more than 4096 characters",
        ),
    ),
    "a claim without a name": (
        volume("persistentVolumeClaim: {claimName: ''}"),
        (
            f"{VOLUME}.persistentVolumeClaim.claimName",
            f"{VOLUME}.persistentVolumeClaim.claimName is a required field",
        ),
    ),
    "a claim that leads out of its folder": (
        volume("persistentVolumeClaim: {claimName: ../other}"),
        (
            f"{VOLUME}.persistentVolumeClaim.claimName",
            f"{VOLUME}.persistentVolumeClaim.claimName: {SUBDOMAIN_RULE}",
        ),
    ),
    "a DataVolume without a name": (
        volume("dataVolume: {name: ''}"),
        (f"{VOLUME}.name", "DataVolume 'name' must be set"),
    ),
    "an ephemeral volume of nothing": (
        volume("ephemeral: {}"),
        (
            f"{VOLUME}.ephemeral.persistentVolumeClaim",
            f"{VOLUME}.ephemeral.persistentVolumeClaim is a required field",
        ),
    ),
    "an empty disk without a size": (
        volume("emptyDisk: {capacity: 0}"),
        (
            f"{VOLUME}.emptyDisk.capacity",
            f"{VOLUME}.emptyDisk.capacity '0': must be greater than 0.",
        ),
    ),
    "a ConfigMap without a name": (
        volume("configMap: {}"),
        (f"{VOLUME}.configMap.name", f"{VOLUME}.configMap.name is a required field"),
    ),
    "a Secret without a name": (
        volume("secret: {}"),
        (f"{VOLUME}.secret.secretName", f"{VOLUME}.secret.secretName is a required field"),
    ),
    "a service account without a name": (
        volume("serviceAccount: {}"),
        (
            f"{VOLUME}.serviceAccount.serviceAccountName",
            f"{VOLUME}.serviceAccount.serviceAccountName is a required field",
        ),
    ),
    "another service account than the pod's": (
        "{serviceAccountName: one, "
        "volumes: [{name: root, serviceAccount: {serviceAccountName: two}}]}",
        (
            f"{VOLUME}.serviceAccount.serviceAccountName",
            f"{VOLUME}.serviceAccount.serviceAccountName must be equal to "
            "spec.serviceAccountName 'one'",
        ),
    ),
    "answer files from two places": (
        volume("sysprep: {secret: {name: a}, configMap: {name: b}}"),
        (f"{VOLUME}.sysprep", f"{VOLUME}.sysprep must have exactly one source set"),
    ),
    "a closed gate of metrics": (
        "{domain: {devices: {disks: [{name: root, disk: {bus: virtio}}]}}, "
        "volumes: [{name: root, downwardMetrics: {}}]}",
        (
            VOLUME,
            "downwardMetrics disks are not allowed: DownwardMetrics feature gate is not enabled.",
        ),
    ),
    "network data given twice": (
        volume(
            "cloudInitConfigDrive: {userData: a, networkData: b, networkDataSecretRef: {name: c}}"
        ),
        (
            f"{VOLUME}.cloudInitConfigDrive",
            f"{VOLUME}.cloudInitConfigDrive must have only one networkdata source set.",
        ),
    ),
    "network data that are too large": (
        volume(f"cloudInitConfigDrive: {{networkData: {'ä' * 1025}}}"),
        (
            f"{VOLUME}.cloudInitConfigDrive",
            f"{VOLUME}.cloudInitConfigDrive networkdata exceeds 2048 byte limit. "
            "Should use NetworkDataSecretRef for larger data.",
        ),
    ),
    "base64 of data that are too large": (
        volume(f"cloudInitNoCloud: {{userDataBase64: {'YWFh' * 683}}}"),
        (
            f"{VOLUME}.cloudInitNoCloud",
            f"{VOLUME}.cloudInitNoCloud userdata exceeds 2048 byte limit. "
            "Should use UserDataSecretRef for larger data.",
        ),
    ),
    "a secret that leads out of its folder": (
        volume("cloudInitNoCloud: {secretRef: {name: a/../../b}}"),
        (
            f"{VOLUME}.cloudInitNoCloud.secretRef.name",
            f"{VOLUME}.cloudInitNoCloud.secretRef.name: {SUBDOMAIN_RULE}",
        ),
    ),
    "a disk's name with a slash": (
        "{domain: {devices: {disks: [{name: a/b, disk: {bus: virtio}}]}}, "
        "volumes: [{name: a/b, emptyDisk: {capacity: 1Gi}}]}",
        (f"{DISK}.name", LABEL_RULE),
    ),
    "two writers on one claim": (
        "{domain: {devices: {disks: null}}, volumes: ["
        "{name: a, persistentVolumeClaim: {claimName: c}}, {name: b, dataVolume: {name: c}}]}",
        (
            "spec.volumes[1]",
            "spec.volumes[1] and spec.volumes[0] must not use the same claim "
            "unless their disks are shareable.",
        ),
    ),
    "two service accounts": (
        "{domain: {devices: {disks: null}}, volumes: ["
        "{name: a, serviceAccount: {serviceAccountName: s}}, "
        "{name: b, serviceAccount: {serviceAccountName: s}}]}",
        ("spec.volumes", "spec.volumes must have max one serviceAccount volume set"),
    ),
    "a utility volume": (
        "utilityVolumes: [{name: u, claimName: c}]",
        ("spec.utilityVolumes", "UtilityVolumes feature gate is not enabled"),
    ),
    "sixty-five disks": (
        "{domain: {devices: {disks: null}}, volumes: ["
        + ", ".join(f"{{name: d{number}, emptyDisk: {{capacity: 1Gi}}}}" for number in range(65))
        + "]}",
        (
            "spec.domain.devices.disks",
            "spec.domain.devices.disks list exceeds the 64 element limit in length",
        ),
    ),
}

ACCEPTED = {
    "what users write as a path": volume("containerDisk: {image: i, path: /disk/fedora.qcow2}"),
    "a path with everything a file name may have": volume(
        "containerDisk: {image: i, path: '/disk/a b,c=d.img'}"
    ),
    "an empty CD-ROM drive": "domain: {devices: {disks: [{name: root}, {name: cd, cdrom: {}}]}}",
    "a read-only virtio disk": disk("disk: {bus: virtio, readonly: true}"),
    "a claim read twice": (
        "{domain: {devices: {disks: null}}, volumes: ["
        "{name: a, persistentVolumeClaim: {claimName: c, readOnly: true}}, "
        "{name: b, persistentVolumeClaim: {claimName: c}}]}"
    ),
    "a claim shared by two disks": (
        "{domain: {devices: {disks: [{name: a, disk: {bus: virtio}, shareable: true}, "
        "{name: b, disk: {bus: virtio}, shareable: true}]}}, volumes: ["
        "{name: a, persistentVolumeClaim: {claimName: c}}, "
        "{name: b, persistentVolumeClaim: {claimName: c}}]}"
    ),
    "wrapped base64": volume('cloudInitNoCloud: {userDataBase64: "YWFh\\nYWFh\\n"}'),
    "an empty secret's name beside text": volume(
        "cloudInitNoCloud: {secretRef: {name: ''}, userData: a}"
    ),
    "a LUN of a claim": (
        "{domain: {devices: {disks: [{name: root, lun: {bus: scsi, reservation: true}}]}}, "
        "volumes: [{name: root, persistentVolumeClaim: {claimName: c}}]}"
    ),
    "a volume without a disk, which gets one": "domain: {devices: {disks: null}}",
}


@pytest.mark.parametrize(("changes", "complaint"), REFUSED.values(), ids=REFUSED)
def test_refused(complaints: Complaints, changes: str, complaint: tuple[str, str]) -> None:
    assert complaints(changes) == [complaint]


@pytest.mark.parametrize("changes", ACCEPTED.values(), ids=ACCEPTED)
def test_accepted(complaints: Complaints, changes: str) -> None:
    assert complaints(changes) == []


@pytest.mark.parametrize(
    "path",
    ["disk.img", "disk/x.img", "/disk/../etc/shadow", "/disk//x.img", "/./x", "~/x", "/~root/x"],
)
def test_a_path_that_means_several_files_is_refused(complaints: Complaints, path: str) -> None:
    container_disk = volume(f"containerDisk: {{image: i, path: '{path}'}}")
    assert complaints(container_disk) == [
        (f"{VOLUME}.containerDisk", f"{VOLUME}.containerDisk {RELATIVE}")
    ]
    kernel = (
        f"domain: {{firmware: {{kernelBoot: {{container: {{image: i, kernelPath: '{path}'}}}}}}}}"
    )
    field = "spec.domain.firmware.kernelBoot.container.kernelPath"
    assert complaints(kernel) == [(field, f"{field} {RELATIVE}")]


def test_host_disks_are_checked_behind_their_gate(complaints: Complaints) -> None:
    bad = volume("hostDisk: {path: ../x, type: File, capacity: 1Gi}")
    path = f"{VOLUME}.hostDisk"
    assert complaints(bad, "HostDisk") == [
        (f"{path}.path", f"{path}.path {RELATIVE}"),
        (
            f"{path}.type",
            f"{path}.type has invalid value 'File', allowed are 'Disk' or 'DiskOrCreate'",
        ),
    ]
    sized = volume("hostDisk: {path: /data/d.img, type: Disk, capacity: 1Gi}")
    assert complaints(sized, "HostDisk") == [
        (
            f"{path}.capacity",
            f"{path}.capacity is allowed to pass only with {path}.type equal to 'DiskOrCreate'",
        )
    ]
    assert complaints(volume("hostDisk: {path: '', type: Disk}"), "HostDisk") == [
        (f"{path}.path", f"{path}.path is required for hostDisk volume")
    ]


def test_metrics_are_a_virtio_disk(complaints: Complaints) -> None:
    as_cdrom = (
        "{domain: {devices: {disks: [{name: root, cdrom: {}}]}}, "
        "volumes: [{name: root, downwardMetrics: {}}]}"
    )
    assert complaints(as_cdrom, "DownwardMetrics") == [
        (
            f"{DISK}.disk",
            f"DownwardMetrics volume must be mapped to a disk, but disk is not set on {DISK}.disk.",
        )
    ]
    on_sata = as_cdrom.replace("cdrom: {}", "disk: {bus: sata}")
    assert complaints(on_sata, "DownwardMetrics") == [
        (
            f"{DISK}.disk.bus",
            f"DownwardMetrics volume must be mapped to virtio bus, "
            f"but {DISK}.disk.bus is set to sata",
        )
    ]


def test_utility_volumes_have_names_and_claims_of_their_own(complaints: Complaints) -> None:
    changes = "utilityVolumes: [{name: root, claimName: ''}]"
    path = "spec.utilityVolumes[0]"
    assert complaints(changes, "UtilityVolumes") == [
        (
            f"{path}.name",
            f"{path} conflicts with {VOLUME}. UtilityVolume names must be unique "
            "across both volumes and utilityVolumes.",
        ),
        (f"{path}.claimName", "UtilityVolume PVC 'claimName' must be set"),
    ]
