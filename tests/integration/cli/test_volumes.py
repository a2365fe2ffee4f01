"""Every kind of volume that standalone has, as the guest sees it, and what is kept afterwards."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.qemu, pytest.mark.guest, pytest.mark.timeout(300)]

Manifest = Callable[..., str]


def reported(output: str, kind: str, key: str) -> dict[str, dict[str, str]]:
    """What the guest reports of a kind (`disk`, `file`), by the value of one of its keys."""
    lines = re.findall(rf"^kubemu-guest: {kind} (.+?)\r?$", output, re.MULTILINE)
    found = [dict(word.partition("=")[::2] for word in line.split()) for line in lines]
    return {one[key]: one for one in found}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def disk(name: str, **how: Any) -> dict[str, Any]:
    return {"name": name, "serial": name, "disk": {"bus": "virtio"}} | how


_WRITES = (
    "#!/bin/sh\nfor name in data scratch root; do\n"
    "  for dev in vda vdb vdc vdd; do\n"
    '    [ "$(cat /sys/block/$dev/serial)" = "$name" ] || continue\n'
    "    [ $name = root ] && seek=90000 || seek=0\n"
    '    printf "written to $name" | dd of=/dev/$dev bs=512 seek=$seek conv=notrunc,fsync\n'
    "  done\ndone\npoweroff\n"
)


def _claim() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "the-claim"},
        "spec": {"resources": {"requests": {"storage": "16Mi"}}},
    }


def _machine(tiny: str) -> dict[str, Any]:
    spec = {
        "domain": {
            "memory": {"guest": "128Mi"},
            "devices": {
                "disks": [
                    disk("root", bootOrder=1),
                    disk("data"),
                    disk("scratch"),
                    disk("second", disk={"bus": "scsi", "readonly": True}),
                    disk("seed", cdrom={"bus": "sata"}, disk=None),
                ]
            },
        },
        "volumes": [
            {"name": "root", "containerDisk": {"image": tiny}},
            {"name": "data", "persistentVolumeClaim": {"claimName": "the-claim"}},
            {"name": "scratch", "emptyDisk": {"capacity": "8Mi"}},
            {"name": "second", "persistentVolumeClaim": {"claimName": "other", "readOnly": True}},
            {
                "name": "seed",
                "cloudInitNoCloud": {"userDataBase64": base64.b64encode(_WRITES.encode()).decode()},
            },
        ],
    }
    for one in spec["domain"]["devices"]["disks"]:  # type: ignore[index]
        if one["disk"] is None:
            del one["disk"]
    return {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstance",
        "metadata": {"name": "disks"},
        "spec": spec,
    }


def test_a_claim_keeps_what_the_guest_wrote_and_an_image_does_not(
    kubemu: Any, tiny: str, tmp_path: Path
) -> None:
    folder, file = tmp_path / "claim", tmp_path / "second.raw"
    folder.mkdir()
    file.write_bytes(b"second".ljust(1 << 20, b"\0"))
    path = kubemu.write("vm.yaml", f"{json.dumps(_claim())}\n---\n{json.dumps(_machine(tiny))}\n")
    volumes = ["--volume", f"data={folder}", "--volume", f"other={file}"]
    images = Path(kubemu.environment["XDG_CACHE_HOME"]) / "kubemu/images/by-digest"
    before = None
    for _ in range(2):
        vm = kubemu.run("run", "--accel", "tcg", path, *volumes)
        assert vm.process.returncode == 0
        [image] = [one for one in images.rglob("*.qcow2")]
        digest = sha256(image.read_bytes())
        assert before in (None, digest)
        before = digest
    seen = reported(vm.out, "disk", "serial")
    # A SATA CD-ROM keeps its serial to itself: it is the one without.
    assert seen.pop("")["label"] == "cidata"
    assert {name: (one["size"], one["ro"]) for name, one in seen.items() if name != "root"} == {
        "data": (str(16 << 20), "0"),
        "scratch": (str(8 << 20), "0"),
        "second": (str(1 << 20), "1"),
    }
    kept = (folder / "disk.img").read_bytes()
    assert (len(kept), kept[:15]) == (16 << 20, b"written to data")
    assert seen["data"]["sha256"] == sha256(kept[: 1 << 20])
    assert seen["scratch"]["sha256"] == sha256(bytes(1 << 20))
    assert file.read_bytes() == b"second".ljust(1 << 20, b"\0")


@pytest.mark.parametrize("kind", ["cloudInitNoCloud", "cloudInitConfigDrive"])
def test_seeds_from_secrets_arrive_byte_for_byte(
    kubemu: Any, manifest: Manifest, tiny: str, kind: str
) -> None:
    script = b"#!/bin/sh\necho from-a-secret\npoweroff\n"
    network = b"version: 2\n"
    secrets = [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "user"},
            "data": {"userdata": base64.b64encode(script).decode()},
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "net"},
            "stringData": {"networkdata": network.decode()},
        },
    ]
    volumes = [
        {"name": "root", "containerDisk": {"image": tiny}},
        {
            "name": "seed",
            kind: {"secretRef": {"name": "user"}, "networkDataSecretRef": {"name": "net"}},
        },
    ]
    path = Path(manifest("true", volumes=volumes))
    path.write_text("\n---\n".join([*map(json.dumps, secrets), path.read_text()]))
    vm = kubemu.run("run", "--accel", "tcg", str(path))
    assert (vm.process.returncode, "from-a-secret" in vm.out) == (0, True)
    digests = {one["sha256"] for one in reported(vm.out, "file", "path").values()}
    assert {sha256(script), sha256(network)} <= digests


def test_an_image_may_come_from_a_file(
    kubemu: Any, manifest: Manifest, registry: Any, tiny: str, tmp_path: Path
) -> None:
    archive = tmp_path / "tiny.tar"
    registry.fetch(tiny, f"oci-archive:{archive}")
    file = manifest("echo from-an-archive; poweroff")
    vm = kubemu.run("run", "--accel", "tcg", file, "--volume", f"root=oci-archive:{archive}")
    assert (vm.process.returncode, "from-an-archive" in vm.out) == (0, True)


def test_two_vms_cannot_write_to_one_claim(
    kubemu: Any, manifest: Manifest, tiny: str, tmp_path: Path
) -> None:
    (tmp_path / "disk.img").write_bytes(bytes(1 << 20))
    domain = {
        "memory": {"guest": "128Mi"},
        "devices": {"disks": [disk("root"), disk("data")]},
    }
    volumes = [
        {"name": "root", "containerDisk": {"image": tiny}},
        {"name": "data", "persistentVolumeClaim": {"claimName": "c"}},
    ]
    file = manifest("true", domain=domain, volumes=volumes, networks=[])
    flags = ["--accel", "tcg", "--volume", f"data={tmp_path}", "--detach"]
    first = kubemu.run("run", *flags, file)
    second = kubemu.run("run", *flags, file, "--name", "second")
    assert (first.process.returncode, second.process.returncode) == (0, 1)
    assert "in use" in second.err
    assert list(kubemu.ps()) == ["default/tiny"]
