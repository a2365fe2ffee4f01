"""The listener is known by what the kernel says of it."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from virtoperator.handler import peer
from virtoperator.handler.errors import NotOurs, NotThere

UID = "6c5b2f1e-1f1a-4a3b-9d5c-1f0e9a7c2b11"
SYSTEMD = UID.replace("-", "_")


@pytest.mark.parametrize(
    ("cgroups", "expected"),
    [
        (f"3:cpu:/kubepods/besteffort/pod{UID}/c0ffee\n", True),
        (f"9:name=systemd:/\n3:cpu:/kubepods/pod{UID}\n", True),
        (f"0::/kubepods.slice/kubepods-pod{SYSTEMD}.slice/cri-containerd-c0ffee.scope\n", True),
        (f"0::/../../kubepods-burstable-pod{SYSTEMD}.slice/cri-c0ffee.scope\n", True),
        ("0::/kubepods.slice/kubepods-pod11111111_1111_1111_1111_111111111111.slice/c\n", False),
        (f"3:cpu:/kubepods/pod{UID}0/c0ffee\n", False),
        (f"3:cpu:/kubepods/xpod{UID}/c0ffee\n", False),
        ("0::/\n", False),
        ("", False),
    ],
)
def test_a_pod_is_known_by_its_control_group(cgroups: str, expected: bool) -> None:
    assert peer.in_pod(cgroups, UID) is expected


def test_a_listener_outside_the_pod_is_refused(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as ours:
        listener.bind(str(tmp_path / "s"))
        listener.listen(1)
        ours.connect(str(tmp_path / "s"))
        before = set(Path("/proc/self/fd").iterdir())
        with pytest.raises(NotOurs, match="is not in that pod"):
            peer.identify(ours, UID)
        assert set(Path("/proc/self/fd").iterdir()) == before


_LISTEN_AND_END = """
import socket, sys
socket.socket(fileno=int(sys.argv[1])).listen(1)
"""


def test_a_listener_that_has_ended_is_nobody(tmp_path: Path) -> None:
    """Another process keeps the socket open; the one that listened is not there to be asked."""
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as ours:
        listener.bind(str(tmp_path / "s"))
        number = listener.fileno()
        argv = [sys.executable, "-c", _LISTEN_AND_END, str(number)]
        subprocess.run(argv, pass_fds=[number], check=True)
        ours.connect(str(tmp_path / "s"))
        with pytest.raises(NotThere, match="has ended"):
            peer.identify(ours, UID)
