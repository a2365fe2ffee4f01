"""Firmware, features, platform and small devices: a table of what is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Complaints = Callable[..., list[tuple[str, str]]]

FIRMWARE = "spec.domain.firmware"
DEVICES = "spec.domain.devices"
HYPERV = "spec.domain.features.hyperv"
SECURITY = "spec.domain.launchSecurity"
EFI = "firmware: {bootloader: {efi: {secureBoot: false}}}"

REFUSED = {
    "a serial with a line end": (
        'domain: {firmware: {serial: "a\\nb"}}',
        (
            f"{FIRMWARE}.serial",
            f"{FIRMWARE}.serial must be made up of the following characters [A-Za-z0-9_.+-], "
            "if specified",
        ),
    ),
    "a serial that is too long": (
        f"domain: {{firmware: {{serial: {'a' * 257}}}}}",
        (
            f"{FIRMWARE}.serial",
            f"{FIRMWARE}.serial must be less than or equal to 256 in length, if specified",
        ),
    ),
    "a UUID that is none": (
        "domain: {firmware: {uuid: 123}}".replace("123", "'123'"),
        (f"{FIRMWARE}.uuid", f"{FIRMWARE}.uuid must be a UUID, if specified"),
    ),
    "an asset tag that is too long": (
        f"domain: {{chassis: {{asset: {'a' * 257}}}}}",
        (
            "spec.domain.chassis.asset",
            "spec.domain.chassis.asset must be less than or equal to 256 in length, if specified",
        ),
    ),
    "kernel arguments without a kernel": (
        "domain: {firmware: {kernelBoot: {kernelArgs: quiet}}}",
        (
            f"{FIRMWARE}.kernelBoot.kernelArgs",
            "kernel arguments cannot be provided without an external kernel",
        ),
    ),
    "kernel arguments that no kernel reads": (
        "domain: {firmware: {kernelBoot: {container: {image: i, kernelPath: /k}, "
        f"kernelArgs: {'a' * 2049}}}}}}}",
        (
            f"{FIRMWARE}.kernelBoot.kernelArgs",
            f"{FIRMWARE}.kernelBoot.kernelArgs must be no more than 2048 characters",
        ),
    ),
    "a kernel of no image": (
        "domain: {firmware: {kernelBoot: {container: {image: '', kernelPath: /k}}}}",
        (
            f"{FIRMWARE}.kernelBoot.container.image",
            f"{FIRMWARE}.kernelBoot.container must be defined with an image",
        ),
    ),
    "an image of no kernel": (
        "domain: {firmware: {kernelBoot: {container: {image: i}}}}",
        (
            f"{FIRMWARE}.kernelBoot.container",
            f"{FIRMWARE}.kernelBoot.container must be defined with at least one of the following: "
            "kernelPath, initrdPath",
        ),
    ),
    "no ACPI table": (
        "domain: {firmware: {acpi: {}}}",
        (f"{FIRMWARE}.acpi", "ACPI was set but no SLIC nor MSDM volume reference was set"),
    ),
    "an ACPI table of no volume": (
        "domain: {firmware: {acpi: {slicNameRef: none}}}",
        (f"{FIRMWARE}.acpi.slicNameRef", "spec.acpi does not have a matching Volume."),
    ),
    "an ACPI table of an image": (
        "domain: {firmware: {acpi: {msdmNameRef: root}}}",
        (f"{FIRMWARE}.acpi.msdmNameRef", "spec.acpi refers to Volume of unsupported type."),
    ),
    "Hyper-V chosen and passed through": (
        "domain: {features: {hyperv: {}, hypervPassthrough: {enabled: true}}}",
        (
            HYPERV,
            "Cannot explicitly set hyperV features if HypervPassthrough is being used. "
            "Please use either HyperV or HypervPassthrough.",
        ),
    ),
    "an enlightenment without what it needs": (
        "domain: {features: {hyperv: {synic: {}, vpindex: {enabled: false}}}}",
        (
            f"{HYPERV}.synic",
            f"'{HYPERV}.synic' requires '{HYPERV}.vpindex', which was disabled.",
        ),
    ),
    "a vendor's name beyond the registers": (
        "domain: {features: {hyperv: {vendorid: {vendorid: ThirteenChars}}}}",
        (
            f"{HYPERV}.vendorid.vendorid",
            f"{HYPERV}.vendorid.vendorid must be no more than 12 characters",
        ),
    ),
    "a clock by two times": (
        "domain: {clock: {utc: {}, timezone: Europe/Berlin}}",
        ("spec.domain.clock", "spec.domain.clock must not have both utc and timezone set"),
    ),
    "a time zone that is a file": (
        "domain: {clock: {timezone: ../../etc/passwd}}",
        (
            "spec.domain.clock.timezone",
            "spec.domain.clock.timezone must be the name of a time zone",
        ),
    ),
    "an unknown policy for ticks": (
        "domain: {clock: {utc: {}, timer: {rtc: {tickPolicy: merge}}}}",
        (
            "spec.domain.clock.timer.rtc.tickPolicy",
            "spec.domain.clock.timer.rtc.tickPolicy has invalid value merge",
        ),
    ),
    "a clock that follows nobody known": (
        "domain: {clock: {utc: {}, timer: {rtc: {track: moon}}}}",
        (
            "spec.domain.clock.timer.rtc.track",
            "spec.domain.clock.timer.rtc.track has invalid value moon",
        ),
    ),
    "an unknown architecture": (
        "architecture: mips",
        ("spec.architecture", "unsupported architecture: mips"),
    ),
    "the watchdog of another architecture": (
        "domain: {devices: {watchdog: {name: w, diag288: {}}}}",
        (f"{DEVICES}.watchdog", "amd64 only supports I6300ESB watchdog device"),
    ),
    "an unknown action of a watchdog": (
        "domain: {devices: {watchdog: {name: w, i6300esb: {action: bark}}}}",
        (
            f"{DEVICES}.watchdog.i6300esb.action",
            f"{DEVICES}.watchdog.i6300esb.action has invalid value bark",
        ),
    ),
    "an unknown graphics card": (
        "domain: {devices: {video: {type: voodoo}}}",
        (f"{DEVICES}.video.type", "video model 'voodoo' is not supported on amd64 architecture"),
    ),
    "a graphics card without graphics": (
        "domain: {devices: {video: {type: vga}, autoattachGraphicsDevice: false}}",
        (
            f"{DEVICES}.video",
            "Video configuration is not allowed when autoattachGraphicsDevice is set to false",
        ),
    ),
    "an input device on PS/2": (
        "domain: {devices: {inputs: [{name: i, type: tablet, bus: ps2}]}}",
        (f"{DEVICES}.inputs[0].bus", "Input device can have only virtio or usb bus."),
    ),
    "a mouse": (
        "domain: {devices: {inputs: [{name: i, type: mouse}]}}",
        (f"{DEVICES}.inputs[0].type", "Input device can have only tablet type."),
    ),
    "an unknown sound card": (
        "domain: {devices: {sound: {name: s, model: sb16}}}",
        (
            f"{DEVICES}.sound",
            "Sound device type is not supported. Options: 'ich9' or 'ac97'",
        ),
    ),
    "a sound card without a name": (
        "domain: {devices: {sound: {name: ''}}}",
        (f"{DEVICES}.sound", "Sound device requires a name field."),
    ),
    "an unknown panic device": (
        "domain: {devices: {panicDevices: [{model: siren}]}}",
        (f"{DEVICES}.panicDevices[0].model", "invalid PanicDeviceModel(siren)"),
    ),
    "virtio sockets without their gate": (
        "domain: {devices: {autoattachVSOCK: true}}",
        (f"{DEVICES}.autoattachVSOCK", "VSOCK feature gate is not enabled in kubevirt-config"),
    ),
    "metrics without their gate": (
        "domain: {devices: {downwardMetrics: {}}}",
        (
            f"{DEVICES}.downwardMetrics",
            "downwardMetrics virtio serial is not allowed: "
            "DownwardMetrics feature gate is not enabled",
        ),
    ),
    "two plain framebuffers": (
        "domain: {devices: {gpus: [{name: a, virtualGPUOptions: {display: {}}}, "
        "{name: b, virtualGPUOptions: {display: {ramFB: {enabled: true}}}}]}}",
        (f"{DEVICES}.gpus", "configuring multiple displays with ramfb is not valid "),
    ),
    "a file system of no volume": (
        "domain: {devices: {filesystems: [{name: none, virtiofs: {}}]}}",
        (f"{DEVICES}.filesystems[0].name", f"{DEVICES}.filesystems[0].name 'none' not found."),
    ),
    "a file system of a claim without its gate": (
        "{domain: {devices: {disks: null, filesystems: [{name: root, virtiofs: {}}]}}, "
        "volumes: [{name: root, persistentVolumeClaim: {claimName: c}}]}",
        (
            f"{DEVICES}.filesystems",
            "virtiofs is not allowed: virtiofs feature gate is not enabled for PVC",
        ),
    ),
    "an unknown policy for I/O threads": (
        "domain: {ioThreadsPolicy: many}",
        ("spec.domain.ioThreadsPolicy", "Invalid IOThreadsPolicy (many)"),
    ),
    "a pool of no threads": (
        "domain: {ioThreadsPolicy: supplementalPool}",
        (
            "spec.domain.ioThreads.count",
            "the number of iothreads needs to be set and positive for the dedicated policy",
        ),
    ),
    "a pool of too many threads": (
        "domain: {ioThreadsPolicy: supplementalPool, "
        "ioThreads: {supplementalPoolThreadCount: 100000}}",
        (
            "spec.domain.ioThreads.supplementalPoolThreadCount",
            "spec.domain.ioThreads.supplementalPoolThreadCount '100000': "
            "must be less than or equal to 64.",
        ),
    ),
    "encryption of no kind": (
        "domain: {launchSecurity: {}}",
        (SECURITY, "One and only one launchSecurity type can be set"),
    ),
    "encryption without its gate": (
        "domain: {launchSecurity: {tdx: {}}}",
        (SECURITY, "WorkloadEncryptionTDX feature gate is not enabled in kubevirt-config"),
    ),
    "encryption with a BIOS": (
        "domain: {launchSecurity: {sev: {}}}",
        (SECURITY, "SEV requires OVMF (UEFI)"),
    ),
    "encryption with secure boot": (
        "domain: {features: {smm: {}}, firmware: {bootloader: {efi: {}}}, "
        "launchSecurity: {snp: {}}}",
        (SECURITY, "SNP does not work along with SecureBoot"),
    ),
    "an attested guest that starts at once": (
        f"domain: {{{EFI}, launchSecurity: {{sev: {{attestation: {{}}}}}}}}",
        (SECURITY, "SEV attestation requires VMI StartStrategy 'Paused'"),
    ),
    "an encrypted guest that boots from the network": (
        f"domain: {{{EFI}, launchSecurity: {{sev: {{}}}}, devices: {{interfaces: "
        "[{name: default, masquerade: {}, bootOrder: 1}]}}",
        (SECURITY, "SEV does not work with bootable NICs: default"),
    ),
    "half an identity": (
        f"domain: {{{EFI}, launchSecurity: {{snp: {{idBlock: a}}}}}}",
        (
            f"{SECURITY}.snp",
            "AuthorKey, IdBlock, and IdAuth must all be set together "
            "for guest identity attestation",
        ),
    ),
    "a policy that is no number": (
        f"domain: {{{EFI}, launchSecurity: {{snp: {{policy: strict}}}}}}",
        (f"{SECURITY}.snp.policy", "strict is not a valid SEV-SNP Policy Config"),
    ),
    "hashes of no kernel": (
        f"domain: {{{EFI}, launchSecurity: {{snp: {{kernelHashes: 'on'}}}}}}",
        (
            f"{SECURITY}.snp.kernelHashes",
            "KernelHashes requires direct kernel boot configuration "
            "(spec.domain.firmware.kernelBoot)",
        ),
    ),
    "UEFI variables that an encrypted guest cannot keep": (
        "domain: {firmware: {bootloader: {efi: {secureBoot: false, persistent: true}}}, "
        "launchSecurity: {snp: {}}}",
        (SECURITY, "SNP does not work along with Persistent EFI variables"),
    ),
    "Arm with SATA": (
        "{architecture: arm64, domain: {devices: {disks: [{name: root, disk: {bus: sata}}]}}}",
        (
            f"{DEVICES}.disks[0].disk.bus",
            "Arm64 not support this disk bus type, please use virtio or scsi",
        ),
    ),
    "Arm with a sound card": (
        "{architecture: arm64, domain: {devices: {sound: {name: s}}}}",
        (f"{DEVICES}.sound", "Arm64 not support sound device"),
    ),
    "Arm with a watchdog": (
        "{architecture: arm64, domain: {devices: {watchdog: {name: w, i6300esb: {}}}}}",
        (f"{DEVICES}.watchdog", "Arm64 not support Watchdog device"),
    ),
    "Arm with a CPU of another kind": (
        "{architecture: arm64, domain: {cpu: {cores: 1, model: host-model}}}",
        (
            "spec.domain.cpu.model",
            "currently, host-passthrough is the only model supported on Arm64",
        ),
    ),
    "Arm with threads": (
        "{architecture: arm64, domain: {cpu: {cores: 1, threads: 2}}}",
        (
            "spec.architecture",
            "threads must not be greater than 1 at spec.domain.cpu.threads (got 2) "
            "when spec.architecture is arm64",
        ),
    ),
    "Arm with a BIOS": (
        "{architecture: arm64, domain: {firmware: {bootloader: {bios: {}}}}}",
        (
            f"{FIRMWARE}.bootloader.bios",
            "Arm64 does not support bios boot, please change to uefi boot",
        ),
    ),
    "a mainframe with panic devices": (
        "{architecture: s390x, domain: {devices: {panicDevices: [{model: isa}]}}}",
        (
            f"{DEVICES}.panicDevices",
            "custom panic devices are not supported on s390x architecture",
        ),
    ),
}

ACCEPTED = {
    "secure boot with SMM": (
        "domain: {features: {smm: {}}, firmware: {bootloader: {efi: {persistent: true}}}}"
    ),
    "a kernel with all of shell's characters": (
        "domain: {firmware: {kernelBoot: {kernelArgs: 'console=ttyS0,115200 a=\"b\" $(c); d', "
        "container: {image: i, kernelPath: /boot/vmlinuz, initrdPath: /boot/initrd}}}}"
    ),
    "everything Hyper-V has": (
        "domain: {features: {hyperv: {relaxed: {}, vapic: {}, synictimer: {direct: {}}, "
        "spinlocks: {}, ipi: {}, evmcs: {}, tlbflush: {}, vendorid: {vendorid: KVMKVMKVM}}}}"
    ),
    "the local time of a zone": "domain: {clock: {timezone: America/Argentina/Buenos_Aires}}",
    "an encrypted guest": f"domain: {{{EFI}, launchSecurity: {{sev: {{policy: {{}}}}}}}}",
    "a versioned machine": "domain: {machine: {type: pc-q35-7.2}}",
    "Arm, left to defaulting": (
        "{architecture: arm64, domain: {devices: {disks: null, "
        "inputs: [{name: t, type: tablet, bus: virtio}]}}}"
    ),
    "a mainframe, left to defaulting": (
        "{architecture: s390x, domain: {devices: {watchdog: {name: w}, disks: null}}}"
    ),
    "a UUID in capitals": ("domain: {firmware: {uuid: 5D307CA9-B3EF-428C-8861-06E72D69F223}}"),
}


@pytest.mark.parametrize(("changes", "complaint"), REFUSED.values(), ids=REFUSED)
def test_refused(complaints: Complaints, changes: str, complaint: tuple[str, str]) -> None:
    assert complaints(changes) == [complaint]


@pytest.mark.parametrize("changes", ACCEPTED.values(), ids=ACCEPTED)
def test_accepted(complaints: Complaints, changes: str) -> None:
    assert complaints(changes) == []


def test_secure_boot_on_arm_is_refused_whatever_else_there_is(complaints: Complaints) -> None:
    changes = (
        "{architecture: arm64, domain: {features: {smm: {}}, firmware: {bootloader: {efi: {}}}}}"
    )
    assert complaints(changes) == [
        (
            f"{FIRMWARE}.bootloader.efi.secureboot",
            "UEFI secure boot is currently not supported on aarch64 Arch",
        )
    ]


@pytest.mark.parametrize(
    ("changes", "gate"),
    [
        ("domain: {devices: {autoattachVSOCK: true}}", "VSOCK"),
        ("domain: {devices: {downwardMetrics: {}}}", "DownwardMetrics"),
        ("domain: {devices: {hostDevices: [{name: d, deviceName: a/b}]}}", "HostDevices"),
        ("volumes: [{name: root, hostDisk: {path: /d.img, type: Disk}}]", "HostDisk"),
        (
            "{domain: {devices: {disks: null, filesystems: [{name: root, virtiofs: {}}]}}, "
            "volumes: [{name: root, persistentVolumeClaim: {claimName: c}}]}",
            "EnableVirtioFsStorageVolumes",
        ),
        (
            "{domain: {devices: {disks: null, filesystems: [{name: root, virtiofs: {}}]}}, "
            "volumes: [{name: root, containerPath: {path: /var/run/secrets}}]}",
            "ContainerPathVolumes",
        ),
    ],
)
def test_an_alpha_gate_opens_what_it_guards(
    complaints: Complaints, changes: str, gate: str
) -> None:
    assert len(complaints(changes)) == 1
    assert complaints(changes, gate) == []
