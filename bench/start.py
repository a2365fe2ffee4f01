"""`python -m bench.start [ROUNDS]`: what one launcher costs, in time and memory, beside its QEMU.

Two sides, interleaved: our launcher from exec to running CPUs, builder included, and a stand-in
that does the same with the fewest steps (bench/standin.py). Budgets are those of bench/README.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench import harness
from virtcrds import VirtualMachineInstance, default, parse
from virtlauncher import client, probe
from virtlauncher.facts import Accel, Facts, Nic, NicKind, Source, SourceKind

USER_DATA = "#!/bin/sh\ntrue\n"
DISK_SIZE = 64 << 20
IDLE = 60.0
DOCUMENT = {
    "apiVersion": "kubevirt.io/v1",
    "kind": "VirtualMachineInstance",
    "metadata": {"name": "bench", "namespace": "default"},
    "spec": {
        "terminationGracePeriodSeconds": 0,
        "domain": {
            "memory": {"guest": "128Mi"},
            "devices": {
                "disks": [
                    {"name": "root", "disk": {"bus": "virtio"}},
                    {"name": "seed", "disk": {"bus": "virtio"}},
                ],
                "interfaces": [{"name": "default", "masquerade": {}}],
            },
        },
        "networks": [{"name": "default", "pod": {}}],
        "volumes": [
            {"name": "root", "containerDisk": {"image": "registry:5000/kubemu/none:bench"}},
            {"name": "seed", "cloudInitNoCloud": {"userData": USER_DATA}},
        ],
    },
}
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
}
"""With bytecode, as an installed launcher has it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bench:
    folder: Path
    facts: Facts
    vmi: Mapping[str, Any]


def prepare(folder: Path) -> Bench:
    image = folder / "image" / "disk"
    image.mkdir(parents=True)
    with (image / "disk.img").open("wb") as disk:
        disk.truncate(DISK_SIZE)
    parsed = parse(DOCUMENT).object
    assert isinstance(parsed, VirtualMachineInstance)
    vmi = default(parsed)
    facts = Facts(
        qemu=probe.probe_qemu("qemu-system-x86_64", folder / "probed"),
        accel=Accel.TCG,
        volumes={"root": Source(kind=SourceKind.DIR, path=str(image.parent), readonly=True)},
        nics={"default": Nic(kind=NicKind.USER, mac="02:00:00:00:00:01")},
        run_dir=str(folder / "run"),
        disk_dir=str(folder / "disks"),
    )
    return Bench(folder=folder, facts=facts, vmi=vmi.to_json())


@contextlib.contextmanager
def launcher(bench: Bench) -> Iterator[subprocess.Popen[bytes]]:
    folders = ("--run-dir", bench.facts.run_dir, "--disk-dir", bench.facts.disk_dir)
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "virtlauncher", "--standalone", *folders],
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


async def start(bench: Bench) -> dict[str, Any]:
    """The state once the CPUs run."""
    async with client.connect(Path(bench.facts.run_dir) / "launcher.sock", role="bench") as peer:
        await peer.call("start", {"vmi": bench.vmi, "facts": bench.facts.to_json()})
        await peer.until("running")
        return (await peer.call("status")).result


def ours(bench: Bench) -> float:
    began = time.monotonic()
    with launcher(bench):
        asyncio.run(start(bench))
        return time.monotonic() - began


def spec(bench: Bench) -> Path:
    """For the stand-in: the launcher's own command line, with paths instead of descriptors."""
    with launcher(bench):
        argv = asyncio.run(start(bench))["argv"]
    overlay, seed = bench.folder / "overlay.qcow2", bench.folder / "seed.iso"
    base = bench.folder / "image" / "disk" / "disk.img"
    names = {values.split("opaque=")[1].rsplit("/", 1)[0] for values in _add_fds(argv)}
    files = {name: str(seed if "/seed/" in name else overlay) for name in names}
    files |= {name: str(base) for name in names if name.endswith("/root/1")}
    path = bench.folder / "spec.json"
    content = {
        "argv": argv,
        "files": files,
        "overlay": [str(overlay), "raw", str(base), DISK_SIZE],
        "seed": [str(seed), USER_DATA],
        "debug": str(bench.folder / "debug.sock"),
    }
    path.write_text(json.dumps(content))
    return path


def _add_fds(argv: list[str]) -> list[str]:
    return [value for option, value in itertools.pairwise(argv) if option == "-add-fd"]


def standin(bench: Bench, specification: Path) -> float:
    (bench.folder / "debug.sock").unlink(missing_ok=True)
    began = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-P", str(Path(__file__).with_name("standin.py")), str(specification)],
        env=ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        if process.stdout.readline() != b"running\n":
            raise SystemExit("the stand-in's QEMU did not start")
        return time.monotonic() - began


def memory(pid: int) -> tuple[float, float]:
    """PSS and anonymous memory of a process in MB (1000 kB), from /proc/PID/smaps_rollup."""
    values = {}
    for row in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, number, *_ = row.split()
        values[name] = int(number)
    return values["Pss:"] / 1000, values["Anonymous:"] / 1000


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def beside_qemu(bench: Bench) -> list[harness.Line]:
    """Memory and idle CPU of the resident, the only process beside QEMU once the guest runs."""
    with launcher(bench) as process:
        asyncio.run(start(bench))
        began, used = time.monotonic(), cpu_seconds(process.pid)
        time.sleep(IDLE)
        elapsed = time.monotonic() - began
        millicores = (cpu_seconds(process.pid) - used) / elapsed * 1000
        pss, anonymous = memory(process.pid)
    return [
        harness.Line(what="memory beside QEMU, PSS", ours=pss, unit="MB", budget=20),
        harness.Line(what="memory beside QEMU, anonymous", ours=anonymous, unit="MB", budget=12),
        harness.Line(what="idle CPU beside QEMU", ours=millicores, unit="millicores", budget=0.3),
    ]


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    with tempfile.TemporaryDirectory(prefix="kubemu-bench-") as folder:
        bench = prepare(Path(folder))
        specification = spec(bench)
        results = harness.interleave(
            {"ours": lambda: ours(bench), "stand-in": lambda: standin(bench, specification)},
            rounds=rounds,
        )
        started = harness.line(
            "launcher exec → guest CPUs running",
            results,
            unit="s",
            peer="stand-in",
            budget=0.30,
            ratio_budget=1.5,
        )
        return 0 if harness.report([started, *beside_qemu(bench)]) else 1


if __name__ == "__main__":
    sys.exit(main())
