"""The whole way: netplumb, the launcher, QEMU on the tap, and the tiny guest, in both families."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from images.guests.catalog import build
from netplumb import connect
from tests.integration.leases.serving import lease_of, nic_of
from tests.integration.netplumb.pods import NODE, POD, RESOLVER, WANTED, Pod
from virtlauncher import client
from virtlauncher.client import Client
from virtlauncher.facts import Accel, Facts, Nic, Source, SourceKind
from virtlauncher.probe.qemu import find_qemu, probe_qemu

pytestmark = [pytest.mark.root, pytest.mark.qemu, pytest.mark.guest, pytest.mark.timeout(300)]

PATIENCE = 200.0
ECHO = 7
"""The tiny guest sends back what it gets there."""
USER_DATA = f"""#!/bin/sh
for address in {NODE[0]} {NODE[1]}; do
    until ping -c 1 -W 2 $address >/dev/null 2>&1; do sleep 1; done
    echo "pinged $address"
done
ip -6 route
"""


def vmi() -> dict[str, Any]:
    container = {"image": "tiny", "kernelPath": "/vmlinuz", "initrdPath": "/initrd"}
    firmware = {"kernelBoot": {"kernelArgs": "console=ttyS0 quiet", "container": container}}
    devices = {
        "disks": [{"name": "seed", "disk": {"bus": "virtio"}}],
        "interfaces": [{"name": "default", "masquerade": {}}],
    }
    return {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstance",
        "metadata": {"name": "vm", "namespace": "default", "uid": "u-1"},
        "spec": {
            "domain": {
                "memory": {"guest": "128Mi"},
                "machine": {"type": "q35"},
                "firmware": firmware,
                "devices": devices,
            },
            "networks": [{"name": "default", "pod": {}}],
            "volumes": [{"name": "seed", "cloudInitNoCloud": {"userData": USER_DATA}}],
        },
    }


def facts(folder: Path, nic: Nic) -> Facts:
    return Facts(
        qemu=probe_qemu(find_qemu(), folder / "probes"),
        accel=Accel.TCG,
        volumes={"kernelBoot": Source(kind=SourceKind.DIR, path=str(build("tiny").folder))},
        nics={"default": nic},
        run_dir="",
        disk_dir="",
    )


@contextlib.asynccontextmanager
async def launcher(run_dir: Path) -> AsyncIterator[Client]:
    log = run_dir.with_suffix(".log")
    argv = [sys.executable, "-m", "virtlauncher", "--run-dir", str(run_dir), "--standalone"]
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *argv, stdin=subprocess.DEVNULL, stdout=file, stderr=file
        )
    try:
        async with client.connect(run_dir / "launcher.sock", role="test", within=60) as it:
            yield it
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 60)
        print(log.read_text(errors="replace"))
        print((run_dir / "console.log").read_text(errors="replace"))


async def until(console: socket.socket, *patterns: str) -> None:
    """Read the guest's console until each pattern was seen."""
    text = ""
    async with asyncio.timeout(PATIENCE):
        while not all(re.search(pattern, text) for pattern in patterns):
            data = await asyncio.to_thread(console.recv, 65536)
            assert data, text
            text += data.decode(errors="replace")


async def test_a_guest_without_any_configuration_has_both_families(
    pod: Pod, tmp_path: Path
) -> None:
    (connected,) = connect(pod.fd, [WANTED], RESOLVER)
    nic, fds = nic_of(connected, lease_of(connected))
    try:
        async with launcher(tmp_path / "run") as it:
            arguments = {"vmi": vmi(), "facts": facts(tmp_path, nic).to_json()}
            await it.call("start", arguments, fds=fds, within=120)
            close(fds)
            await _use(pod, it)
    finally:
        close(fds)


async def _use(pod: Pod, it: Client) -> None:
    reply = await it.call("console")
    with socket.socket(fileno=reply.fds["console"]) as console:
        console.settimeout(PATIENCE)
        await until(
            console,
            r"lease name=\S+ ipv4=10\.0\.2\.2/24 gateway=10\.0\.2\.1 dns=10\.88\.0\.1 mtu=1500",
            r"address name=\S+ ipv6=fd10:0000:0002:0000:0000:0000:0000:0002/128",
            f"pinged {re.escape(NODE[0])}",
            f"pinged {NODE[1]}",
            r"default via fe80::ff:fe00:0",
        )
    for address in POD:
        connection = await asyncio.to_thread(pod.node.connect, address, ECHO)
        with connection:
            connection.sendall(b"who is there?")
            assert await asyncio.to_thread(connection.recv, 64) == b"who is there?"


def close(fds: dict[str, int]) -> None:
    while fds:
        os.close(fds.popitem()[1])
