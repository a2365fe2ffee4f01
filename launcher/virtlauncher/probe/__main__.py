"""`virt-launcher-probe`: what this node offers to VMs, as a file for virt-handler.

It runs in the launcher's image, so that QEMU, firmware and helpers are those that VMs will get.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import LauncherError
from ..jsonable import to_jsonable
from . import KvmVerdict, find_probe_kernel, find_qemu, probe_qemu, prove_kvm, store

VERSION = 1
"""Of the file's form."""
SHIPPED_KERNEL = Path("/usr/lib/kubemu/vmlinuz")
_NOT_ASKED = KvmVerdict(usable=False, why="nobody asked whether it is (--kvm)")


def gather(cache: Path, *, kvm: bool, kernel: Path | None) -> dict[str, Any]:
    """The content of the file. Raises LauncherError where QEMU cannot be asked."""
    qemu = probe_qemu(find_qemu(), cache)
    candidates = [kernel] if kernel else [SHIPPED_KERNEL]
    verdict = prove_kvm(qemu, find_probe_kernel(candidates), cache_dir=cache) if kvm else _NOT_ASKED
    return {"version": VERSION, "qemu": to_jsonable(qemu), "kvm": dataclasses.asdict(verdict)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Status 1 when there is no QEMU that answers."""
    parser = argparse.ArgumentParser(prog="virt-launcher-probe", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the file to write")
    parser.add_argument("--kvm", action="store_true", help="prove KVM by booting a kernel with it")
    parser.add_argument("--kernel", type=Path, help=f"that kernel (default: {SHIPPED_KERNEL})")
    parser.add_argument(
        "--cache", type=Path, help="folder for answers that stay true (default: of --out)"
    )
    options = parser.parse_args(arguments)
    out: Path = options.out
    try:
        facts = gather(options.cache or out.parent, kvm=options.kvm, kernel=options.kernel)
        store.write(out, facts)
    except (LauncherError, OSError) as error:
        print(f"virt-launcher-probe: {error}", file=sys.stderr)
        return 1
    print(f"virt-launcher-probe: KVM usable: {facts['kvm']['usable']}: {facts['kvm']['why']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
