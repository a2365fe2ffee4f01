"""The debian guest: real cloud-init, guest agent and sshd, run as people run it."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from images import packing
from images.guests.catalog import Guest, GuestName, build
from tests.integration.guests.machine import disk, start_machine, write_seed

pytestmark = [pytest.mark.qemu, pytest.mark.guest, pytest.mark.timeout(1500)]

LIMIT = 600.0
MAC = "02:00:00:00:00:07"
OVMF = "/usr/share/OVMF/OVMF"
NETWORK = f"""version: 2
ethernets:
  first:
    match: {{macaddress: "{MAC}"}}
    set-name: net0
    dhcp4: true
    addresses: [10.9.8.7/24]
"""
CONFIG_DRIVE_SCRIPT = b"""#!/bin/sh
echo "$(hostname) is $(od -An -tu1 -j4 /sys/firmware/efi/efivars/SecureBoot-*)"
poweroff
"""


def user_data(key: str) -> str:
    config = {
        "hostname": "web",
        "users": [
            {
                "name": "kubemu",
                "shell": "/bin/bash",
                "sudo": "ALL=(ALL) NOPASSWD:ALL",
                "ssh_authorized_keys": [key],
            }
        ],
        "write_files": [{"path": "/etc/greeting", "content": "made by cloud-init\n"}],
        "runcmd": ['echo "runcmd on $(hostname)"'],
    }
    return f"#cloud-config\n{json.dumps(config)}\n"


def manifest(key: str) -> dict[str, Any]:
    interface = {
        "name": "default",
        "masquerade": {},
        "macAddress": MAC,
        "ports": [{"name": "ssh", "port": 22}],
    }
    seed = {"userData": user_data(key), "networkData": NETWORK}
    spec = {
        "terminationGracePeriodSeconds": 300,
        "domain": {
            "cpu": {"cores": 2},
            "memory": {"guest": "512Mi"},
            "devices": {
                "disks": [
                    {"name": "root", "disk": {"bus": "virtio"}},
                    {"name": "seed", "disk": {"bus": "virtio"}},
                ],
                "interfaces": [interface],
            },
        },
        "networks": [{"name": "default", "pod": {}}],
        "volumes": [
            {"name": "root", "containerDisk": {"image": "registry:5000/kubemu/debian:devel"}},
            {"name": "seed", "cloudInitNoCloud": seed},
        ],
    }
    return {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstance",
        "metadata": {"name": "debian"},
        "spec": spec,
    }


@dataclasses.dataclass(frozen=True, kw_only=True)
class Debian:
    """A debian VM that runs, led by `kubemu` and by SSH."""

    folder: Path
    environment: dict[str, str]

    def kubemu(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "kubemu", *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )

    @property
    def facts(self) -> dict[str, Any]:
        """What `kubemu ps` knows of it."""
        [vm] = json.loads(self.kubemu("ps", "--output", "json").stdout)
        return dict(vm)

    @property
    def console(self) -> str:
        return self.kubemu("logs", "--console", "debian").stdout

    def ssh(self, command: str) -> str:
        """What a command prints that the user kubemu runs."""
        [forward] = [one for one in self.facts["forwards"] if one["guest_port"] == 22]
        done = subprocess.run(
            [
                *("ssh", "-F", "none", "-i", self.folder / "key", "-p", str(forward["host_port"])),
                *("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"),
                *("-o", "BatchMode=yes", "-o", "LogLevel=ERROR", "kubemu@127.0.0.1", command),
            ],
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def wait_for(self, text: str) -> None:
        """Until the console has shown it."""
        deadline = time.monotonic() + LIMIT
        while text not in (shown := self.console):
            assert time.monotonic() < deadline, shown
            time.sleep(1)


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Debian]:
    folder = tmp_path_factory.mktemp("debian")
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    variables = {
        "HOME": "home",
        "XDG_RUNTIME_DIR": "run",
        "XDG_STATE_HOME": "state",
        "XDG_CACHE_HOME": "cache",
    }
    for name in variables.values():
        (folder / name).mkdir(mode=0o700)
    environment = kept | {name: str(folder / value) for name, value in variables.items()}
    vm = Debian(folder=folder, environment=environment)
    keygen = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", folder / "key")
    subprocess.run(keygen, check=True)
    file = folder / "debian.yaml"
    file.write_text(json.dumps(manifest((folder / "key.pub").read_text().strip())))
    image = f"root=oci:{packing.layout(packing.ImageName.DEBIAN)}"
    started = vm.kubemu("run", "--accel", "tcg", "--detach", "--volume", image, str(file))
    try:
        assert started.returncode == 0, started.stderr
        vm.wait_for("runcmd on ")
        yield vm
        print(vm.console)
    finally:
        print(vm.kubemu("logs", "debian").stdout)
        vm.kubemu("delete", "debian", "--grace", "0")


def test_cloud_init_applies_user_data(debian: Debian) -> None:
    assert "runcmd on web" in debian.console
    assert debian.ssh("hostname; id -un; sudo id -un; cat /etc/greeting") == (
        "web\nkubemu\nroot\nmade by cloud-init\n"
    )
    assert debian.ssh("cloud-init status --wait").split() == ["status:", "done"]
    assert debian.ssh("systemctl --failed --plain --no-legend") == ""


def test_cloud_init_applies_the_network_data(debian: Debian) -> None:
    [link] = json.loads(debian.ssh("ip -json address show net0"))
    addresses = {one["local"] for one in link["addr_info"] if one["family"] == "inet"}
    assert link["address"] == MAC
    assert addresses > {"10.9.8.7"}


def test_the_guest_agent_answers(debian: Debian) -> None:
    info = json.loads(debian.kubemu("guest-info", "debian", "--output", "json").stdout)
    assert info["hostname"] == {"host-name": "web"}
    assert (info["os"]["id"], info["os"]["version-id"]) == ("debian", "12")
    assert MAC in {one.get("hardware-address") for one in info["interfaces"] if "name" in one}


# The last one of this VM.
def test_a_stop_powers_it_down(debian: Debian) -> None:
    stopped = debian.kubemu("stop", "debian")
    assert (stopped.returncode, "The guest powered off." in stopped.stderr) == (0, True)
    assert (debian.facts["phase"], debian.facts["reason"]) == (
        "Succeeded",
        "The guest powered off.",
    )


@pytest.fixture(scope="module")
def image() -> Guest:
    return build(GuestName.DEBIAN)


async def test_a_config_drive_is_applied_after_a_start_by_secure_uefi(
    image: Guest, tmp_path: Path
) -> None:
    variables = tmp_path / "variables"
    shutil.copyfile(f"{OVMF}_VARS_4M.ms.fd", variables)
    files = {
        "openstack/latest/meta_data.json": b'{"uuid": "u-1", "hostname": "drive"}',
        "openstack/latest/user_data": CONFIG_DRIVE_SCRIPT,
    }
    arguments = (
        *("-smp", "2", "-global", "driver=cfi.pflash01,property=secure,value=on"),
        *("-drive", f"if=pflash,format=raw,readonly=on,file={OVMF}_CODE_4M.ms.fd"),
        *("-drive", f"if=pflash,format=raw,file={variables}"),
        *("-drive", f"if=none,id=root,file={image.qcow2},format=qcow2,snapshot=on"),
        *("-device", "virtio-blk-pci,drive=root,bootindex=0"),
        *disk(write_seed(tmp_path / "seed.iso", "config-2", files), "seed"),
    )
    async with start_machine(tmp_path, *arguments, memory=512) as machine:
        await machine.match(r"drive is +1\r?\n", limit=LIMIT)
        assert await machine.ended() == 0
