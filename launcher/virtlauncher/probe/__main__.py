"""`virt-launcher-probe`: what this machine offers, as a file for virt-handler.

Run in the launcher's image, because what counts is the QEMU that VMs will get.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..builder.content.aio import Aio, works
from ..errors import LauncherError
from ..facts import Qemu
from ..jsonable import to_jsonable
from . import KvmVerdict, find_probe_kernel, find_qemu, probe_qemu, prove_kvm, store

VERSION = 1
"""Of the file; readers ignore keys that they do not know."""
_FAILED = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """0: the file is written. 2: wrong command line. 3: there is no QEMU here that can be used."""
    chosen = _parser().parse_args(arguments)
    try:
        found = observe(chosen, chosen.cache or chosen.out.parent)
        store.write(chosen.out, found)
    except LauncherError as error:
        print(f"virt-launcher-probe: {error}", file=sys.stderr)
        return _FAILED
    except OSError as error:
        print(f"virt-launcher-probe: {error.filename}: {error.strerror}", file=sys.stderr)
        return _FAILED
    verdict = found["kvm"]
    print(f"KVM is {'usable' if verdict['usable'] else 'not usable'}: {verdict['why']}")
    return 0


def observe(chosen: argparse.Namespace, cache: Path) -> dict[str, Any]:
    """The file's content. Raises LauncherError without a QEMU that can be used.

    `io_uring` says what this very process may do: another pod's rules may differ.
    """
    qemu = probe_qemu(find_qemu(), cache)
    verdict = _verdict(qemu, chosen, cache)
    return {
        "version": VERSION,
        "qemu": to_jsonable(qemu),
        "kvm": to_jsonable(verdict),
        "io_uring": works(Aio.IO_URING, qemu.aio),
    }


def _verdict(qemu: Qemu, chosen: argparse.Namespace, cache: Path) -> KvmVerdict:
    if not chosen.kvm:
        return KvmVerdict(usable=False, why="KVM was not asked for")
    kernel = chosen.kernel or find_probe_kernel()
    return prove_kvm(qemu, kernel, chosen.cpu, cache_dir=cache)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="virt-launcher-probe", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="replaced whole")
    parser.add_argument("--kvm", action="store_true", help="prove KVM by booting a Linux kernel")
    parser.add_argument("--kernel", type=Path, metavar="PATH", help="that kernel")
    parser.add_argument("--cpu", default="host", metavar="MODEL", help="that VMs get (%(default)s)")
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="keeps answers, a proof until the next boot (FILE's)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
