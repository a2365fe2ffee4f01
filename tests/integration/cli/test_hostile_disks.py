"""Disks from anybody: refused with the volume named, the kind found, and nothing left behind."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.qemu, pytest.mark.timeout(300)]


def qemu_img(*arguments: str) -> None:
    subprocess.run(["qemu-img", *arguments], check=True, stdout=subprocess.DEVNULL)


def with_backing(folder: Path) -> bytes:
    target = folder / "b.qcow2"
    qemu_img("create", "-f", "qcow2", "-u", "-b", "/etc/passwd", "-F", "raw", f"{target}", "1M")
    return target.read_bytes()


def with_json_backing(folder: Path) -> bytes:
    target = folder / "j.qcow2"
    backing = 'json:{"driver":"nbd","host":"127.0.0.1","port":"1"}'
    qemu_img("create", "-f", "qcow2", "-u", "-b", backing, "-F", "raw", f"{target}", "1M")
    return target.read_bytes()


def with_data_file(folder: Path) -> bytes:
    target, data = folder / "d.qcow2", folder / "data"
    qemu_img("create", "-f", "qcow2", "-o", f"data_file={data}", f"{target}", "1M")
    return target.read_bytes()


def a_vmdk(folder: Path) -> bytes:
    qemu_img("create", "-f", "vmdk", f"{folder}/v.vmdk", "1M")
    return (folder / "v.vmdk").read_bytes()


def a_truncated_qcow2(folder: Path) -> bytes:
    qemu_img("create", "-f", "qcow2", f"{folder}/t.qcow2", "1M")
    return (folder / "t.qcow2").read_bytes()[:90]


def a_gzip(folder: Path) -> bytes:
    return gzip.compress(bytes(4096))


def a_web_page(folder: Path) -> bytes:
    return b"<!DOCTYPE html><html><body>404 Not Found</body></html>\n".ljust(600)


def nothing(folder: Path) -> bytes:
    return b""


@pytest.fixture
def refused(kubemu: Any, kit: Any, tmp_path: Path) -> Callable[..., str]:
    """What `run` says to a VM whose root disk is in an image of these layers."""

    def run(layout: Path, path: str = "") -> str:
        disk = {"image": "x", **({"path": path} if path else {})}
        tree = {
            "apiVersion": "kubevirt.io/v1",
            "kind": "VirtualMachineInstance",
            "metadata": {"name": "a"},
            "spec": {
                "domain": {"memory": {"guest": "64Mi"}, "devices": {}},
                "volumes": [{"name": "root", "containerDisk": disk}],
            },
        }
        file = kubemu.write("vm.yaml", json.dumps(tree))
        session = kubemu.run(
            "run", "--accel", "tcg", file, "--volume", f"root=oci:{layout}", "--timeout", "60"
        )
        assert session.process.returncode == 1, session.err
        assert ("Traceback" in session.err, session.out, kubemu.left()) == (False, "", [])
        said: str = session.err
        return said

    return run


@pytest.mark.parametrize(
    "make",
    [
        with_backing,
        with_json_backing,
        with_data_file,
        a_vmdk,
        a_truncated_qcow2,
        a_gzip,
        a_web_page,
        nothing,
    ],
)
def test_what_is_no_plain_disk_is_refused(
    refused: Callable[..., str], kit: Any, tmp_path: Path, make: Callable[[Path], bytes]
) -> None:
    said = refused(kit.image({"disk/x.img": make(tmp_path)}))
    assert "vm.yaml:1: spec.volumes[0].containerDisk" in said, said


@pytest.mark.parametrize("target", ["/etc/shadow", "/proc/1/environ", "../../../etc/shadow"])
def test_a_link_in_an_image_is_not_followed(
    refused: Callable[..., str], kit: Any, target: str
) -> None:
    layout = kit.layout()
    said = refused(layout.index(layout.image([kit.link("disk/x.img", target)])))
    assert "spec.volumes[0].containerDisk" in said, said


@pytest.mark.parametrize(
    "path", ["../x", "/../../etc/passwd", "/disk/nothing", "~/x", "/" + "x" * 5000, "/disk"]
)
def test_a_path_that_leads_nowhere_good_is_refused(
    refused: Callable[..., str], kit: Any, path: str
) -> None:
    said = refused(kit.image({"disk/x.img": os.urandom(4096)}), path)
    assert "spec.volumes[0].containerDisk" in said, said


@pytest.mark.parametrize("make", ["link", "pipe", "folder"])
def test_a_claim_whose_disk_is_no_file_is_refused(kubemu: Any, tmp_path: Path, make: str) -> None:
    claim = tmp_path / "claim"
    claim.mkdir()
    match make:
        case "link":
            (claim / "disk.img").symlink_to("/etc/passwd")
        case "pipe":
            os.mkfifo(claim / "disk.img")
        case _:
            (claim / "disk.img").mkdir()
    tree = {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstance",
        "metadata": {"name": "a"},
        "spec": {
            "domain": {"memory": {"guest": "64Mi"}, "devices": {}},
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "c"}}],
        },
    }
    file = kubemu.write("vm.yaml", json.dumps(tree))
    session = kubemu.run("run", "--accel", "tcg", file, "--volume", f"c={claim}")
    assert (session.process.returncode, kubemu.left()) == (1, [])
    assert "spec.volumes[0].persistentVolumeClaim" in session.err, session.err
