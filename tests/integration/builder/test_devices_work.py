"""What a command line promises, seen on the running machine: firmware, VNC, TPM, limits, resize."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from virtcrds import VirtualMachineInstance, default
from virtlauncher.builder.plan import plan
from virtlauncher.builder.prepared import Layer, Prepared, PreparedDisk, PreparedFirmware
from virtlauncher.facts import Accel, Facts, Firmware, Qemu
from virtlauncher.plan import Plan

SWTPM = shutil.which("swtpm") or "swtpm"
OVMF = Path("/usr/share/OVMF")
MIB = 1 << 20

pytestmark = pytest.mark.qemu


def build(prepared: Prepared, annotations: dict[str, str] | None = None, **domain: Any) -> Plan:
    domain["devices"] = {"autoattachPodInterface": False} | domain.get("devices", {})
    vmi = {
        "metadata": {"name": "vm", "annotations": annotations or {}},
        "spec": {"domain": {"memory": {"guest": "256Mi"}} | domain},
    }
    facts = Facts(
        qemu=Qemu(
            binary="qemu-system-x86_64",
            version=(7, 2, 22),
            machine_aliases={"q35": "pc-q35-7.2"},
            swtpm=SWTPM,
            firmware=Firmware(secure_code="code", secure_vars="vars"),
        ),
        accel=Accel.TCG,
        run_dir="/run",
        disk_dir="/tmp",
        state_dir="/tmp",
    )
    return plan(default(VirtualMachineInstance.from_json(vmi)), facts, prepared)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[tuple[Prepared, dict[str, int]]]:
    """One raw disk of 16 MiB."""
    path = tmp_path / "disk.img"
    path.touch()
    os.truncate(path, 16 * MIB)
    layer = Layer(format="raw", readonly_fd="root/ro", readwrite_fd="root/rw")
    files = {"root/ro": os.open(path, os.O_RDONLY), "root/rw": os.open(path, os.O_RDWR)}
    root = PreparedDisk(volume="root", layers=(layer,), size=16 * MIB)
    yield Prepared(disks={"root": root}), files
    for fd in files.values():
        os.close(fd)


def read_until(serial: socket.socket, text: bytes) -> bytes:
    """What the guest wrote, up to and with `text`."""
    serial.settimeout(110)
    seen = b""
    while text not in seen:
        piece = serial.recv(4096)
        assert piece, seen
        seen += piece
    return seen


def test_seabios_boots_and_finds_no_system(
    start: Any, disk: tuple[Prepared, dict[str, int]]
) -> None:
    prepared, files = disk
    built = build(
        prepared,
        firmware={"bootloader": {"bios": {"useSerial": True}}},
        devices={"disks": [{"name": "root", "disk": {"bus": "virtio"}}]},
    )
    with start(built, files) as machine:
        machine.execute("cont")
        shown = read_until(machine.peers["serial0"], b"No bootable device")
        assert b"SeaBIOS" in shown
        assert b"Boot failed: not a bootable disk" in shown


def test_ovmf_with_secure_boot_reaches_its_boot_manager(start: Any, tmp_path: Path) -> None:
    shutil.copy(OVMF / "OVMF_VARS_4M.fd", tmp_path / "vars.fd")
    files = {
        "code": os.open(OVMF / "OVMF_CODE_4M.secboot.fd", os.O_RDONLY),
        "vars": os.open(tmp_path / "vars.fd", os.O_RDWR),
    }
    firmware = PreparedFirmware(code_fd="code", vars_fd="vars", secure=True)
    built = build(
        Prepared(firmware=firmware),
        firmware={"bootloader": {"efi": {}}},
        features={"smm": {}},
        cpu={"sockets": 1, "maxSockets": 1},
    )
    assert built.abi.firmware == "efi-secure"
    with start(built, files) as machine:
        machine.execute("cont")
        assert b"BdsDxe" in read_until(machine.peers["serial0"], b"BdsDxe")
    for fd in files.values():
        os.close(fd)


def test_vnc_serves_a_client_that_comes_as_a_descriptor(start: Any) -> None:
    built = build(Prepared())
    assert built.vnc
    with start(built, {}) as machine:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            machine.execute("getfd", (theirs.fileno(),), fdname="client")
            machine.execute("add_client", protocol="vnc", fdname="client", skipauth=True)
            ours.settimeout(60)
            assert ours.recv(12) == b"RFB 003.008\n"


def test_the_tpm_answers_and_ends_with_qemu(start: Any, tmp_path: Path) -> None:
    built = build(Prepared(tpm_dir=str(tmp_path)), devices={"tpm": {}})
    (helper,) = built.helpers
    assert [one.name for one in helper.descriptors] == ["tpm-peer"]
    with start(built, {}) as machine:
        (tpm,) = machine.execute("query-tpm")
        assert (tpm["id"], tpm["model"]) == ("tpm0", "tpm-tis")
        (swtpm,) = machine.helpers
        assert machine.quit() == 0
        assert os.waitstatus_to_exitcode(os.waitpid(swtpm, 0)[1]) == 0


def test_limits_of_a_disk_change_while_it_runs(
    start: Any, disk: tuple[Prepared, dict[str, int]]
) -> None:
    prepared, files = disk
    built = build(
        prepared,
        {"kubemu.io/disk-limits": '{"root": {"iopsTotal": 500, "bpsTotal": "20Mi"}}'},
        devices={"disks": [{"name": "root", "disk": {"bus": "virtio"}}]},
    )
    ((group, limits),) = built.io_throttle.items()
    assert limits == {"iops-total": 500, "bps-total": 20 * MIB}
    with start(built, files) as machine:
        path = f"/objects/{group}"
        shown = machine.execute("qom-get", path=path, property="limits")
        assert {key: shown[key] for key in limits} == limits
        machine.execute("qom-set", path=path, property="limits", value={"iops-total": 7})
        shown = machine.execute("qom-get", path=path, property="limits")
        assert (shown["iops-total"], shown["bps-total"]) == (7, 20 * MIB)


@pytest.mark.parametrize("limited", [False, True])
def test_a_disk_is_resized_by_its_top_node(
    limited: bool, start: Any, disk: tuple[Prepared, dict[str, int]]
) -> None:
    prepared, files = disk
    annotations = {"kubemu.io/disk-limits": '{"root": {}}'} if limited else {}
    built = build(
        prepared, annotations, devices={"disks": [{"name": "root", "disk": {"bus": "virtio"}}]}
    )
    with start(built, files) as machine:
        machine.execute("block_resize", **{"node-name": built.disks[0].node, "size": 32 * MIB})
        (shown,) = machine.execute("query-block")
        assert shown["inserted"]["image"]["virtual-size"] == 32 * MIB
    assert os.fstat(files["root/ro"]).st_size == 32 * MIB


def test_a_second_machine_cannot_take_the_disk(
    start: Any, disk: tuple[Prepared, dict[str, int]]
) -> None:
    prepared, files = disk
    devices = {"disks": [{"name": "root", "disk": {"bus": "virtio"}}]}
    built = build(prepared, devices=devices)
    again = {name: os.open(f"/proc/self/fd/{fd}", _mode(name)) for name, fd in files.items()}
    refused = pytest.raises(AssertionError, match='Failed to get "write" lock')
    with start(built, files), refused, start(built, again):
        pass
    for fd in again.values():
        os.close(fd)


def test_a_shared_disk_is_written_by_two_machines(
    start: Any, disk: tuple[Prepared, dict[str, int]]
) -> None:
    prepared, files = disk
    devices = {"disks": [{"name": "root", "disk": {"bus": "virtio"}, "shareable": True}]}
    built = build(prepared, devices=devices)
    again = {name: os.open(f"/proc/self/fd/{fd}", _mode(name)) for name, fd in files.items()}
    with start(built, files) as one, start(built, again) as other:
        assert [len(machine.execute("query-block")) for machine in (one, other)] == [1, 1]
    for fd in again.values():
        os.close(fd)


def test_a_guests_backing_file_is_not_opened(start: Any, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(MIB))
    image = tmp_path / "evil.qcow2"
    subprocess.run(
        ["qemu-img", "create", "-qf", "qcow2", "-F", "raw", "-b", tmp_path / "secret", image],
        check=True,
    )
    layer = Layer(format="qcow2", readonly_fd="root/ro", readwrite_fd="root/rw")
    files = {"root/ro": os.open(image, os.O_RDONLY), "root/rw": os.open(image, os.O_RDWR)}
    root = PreparedDisk(volume="root", layers=(layer,), size=MIB)
    devices = {"disks": [{"name": "root", "disk": {"bus": "virtio"}}]}
    built = build(Prepared(disks={"root": root}), devices=devices)
    with start(built, files) as machine:
        opened = [str(one.readlink()) for one in Path(f"/proc/{machine.pid}/fd").iterdir()]
        assert str(image) in opened
        assert str(tmp_path / "secret") not in opened
    for fd in files.values():
        os.close(fd)


def _mode(name: str) -> int:
    return os.O_RDWR if name.endswith("rw") else os.O_RDONLY
