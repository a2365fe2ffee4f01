"""KVM is proved by a kernel that boots, and by nothing less."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from images.guests import catalog
from virtlauncher.probe import KvmVerdict, prove_kvm

if TYPE_CHECKING:
    from tests.integration.probe.conftest import Pretend

THROUGH = "print('Linux version 6\\nKernel panic - not syncing: VFS', flush=True); time.sleep(600)"


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    path = tmp_path / "vmlinuz"
    path.touch()
    return path


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        pytest.param(THROUGH, (True, "a Linux kernel booted with it"), id="booted"),
        pytest.param(
            "print('firmware says hello', flush=True); time.sleep(600)",
            (False, "a Linux kernel under KVM got stuck after 'firmware says hello'"),
            id="stuck",
        ),
        pytest.param(
            "time.sleep(600)",
            (False, "a Linux kernel under KVM got stuck without a word"),
            id="silent",
        ),
        pytest.param(
            "sys.exit('qemu: no\\x1b[2J CPUID')",
            (False, "QEMU ended with exit status 1 under KVM: qemu: no[2J CPUID"),
            id="refused",
        ),
        pytest.param("os.abort()", (False, "QEMU ended with signal 6 under KVM"), id="aborted"),
        pytest.param(
            "while True: sys.stdout.write('A' * 4096)",
            (False, f"a Linux kernel under KVM got stuck after '{'A' * 300}'"),
            id="flood",
        ),
    ],
)
def test_what_was_seen_is_the_verdict(
    pretend: Pretend, device: Path, kernel: Path, code: str, verdict: tuple[bool, str]
) -> None:
    found = prove_kvm(pretend(code), kernel, timeout=3, device=device)
    assert (found.usable, found.why) == verdict


def test_without_device_or_kernel_nothing_is_tried(
    pretend: Pretend, tmp_path: Path, device: Path, kernel: Path
) -> None:
    qemu = pretend("raise AssertionError")
    absent = tmp_path / "absent"
    assert prove_kvm(qemu, kernel, device=absent).why == f"there is no {absent}"
    assert prove_kvm(qemu, None, device=device).why == (
        "KVM is not proved: there is no Linux kernel here to boot with it"
    )


def test_a_proof_is_kept(pretend: Pretend, device: Path, kernel: Path, tmp_path: Path) -> None:
    count = tmp_path / "count"
    qemu = pretend(f"open({str(count)!r}, 'a').write('x'); {THROUGH}")

    def prove(cpu: str) -> KvmVerdict:
        return prove_kvm(qemu, kernel, cpu, cache_dir=tmp_path / "cache", device=device)

    assert prove("host").usable and prove("host").usable
    assert count.read_text() == "x"
    assert prove("max").usable
    assert count.read_text() == "xx"


@pytest.mark.qemu
@pytest.mark.guest
def test_a_stock_kernel_gets_through(pretend: Pretend, device: Path) -> None:
    """The very command line, but for the accelerator that this machine may lack."""
    qemu = pretend(
        "swap = {'kvm': 'tcg,tb-size=64', 'host': 'max'}\n"
        "argv = ['qemu-system-x86_64', *(swap.get(a, a) for a in sys.argv[1:])]\n"
        "os.execvp(argv[0], argv)"
    )
    assert prove_kvm(
        qemu, catalog.build(catalog.GuestName.TINY).kernel, timeout=100, device=device
    ).usable
