"""The launcher's socket is found without following anything that the pod can put there."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from virtoperator.handler import sockets
from virtoperator.handler.errors import NotOurs, NotThere

UID = "6c5b2f1e-1f1a-4a3b-9d5c-1f0e9a7c2b11"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The `sockets` folder of the pod, as the kubelet makes it."""
    path = tmp_path / UID / "volumes" / "kubernetes.io~empty-dir" / "sockets"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def listener(folder: Path) -> Iterator[socket.socket]:
    with listening(folder / "launcher.sock") as sock:
        yield sock


def listening(path: Path) -> socket.socket:
    """A listener at a path of any length."""
    parent = os.open(path.parent, os.O_PATH)
    try:
        sock = socket.socket(socket.AF_UNIX)
        sock.bind(f"/proc/self/fd/{parent}/{path.name}")
        sock.listen(1)
        return sock
    finally:
        os.close(parent)


def test_a_listening_launcher_is_reached(tmp_path: Path, listener: socket.socket) -> None:
    with sockets.connect(tmp_path, UID) as ours, listener.accept()[0] as theirs:
        theirs.send(b"hello")
        ours.setblocking(True)
        assert ours.recv(5) == b"hello"


def test_no_descriptor_stays_open(tmp_path: Path, listener: socket.socket) -> None:
    before = set(Path("/proc/self/fd").iterdir())
    sockets.connect(tmp_path, UID).close()
    assert set(Path("/proc/self/fd").iterdir()) == before


def test_a_pod_that_is_not_there_may_come(tmp_path: Path) -> None:
    with pytest.raises(NotThere):
        sockets.connect(tmp_path, UID)


def test_a_launcher_that_has_no_socket_may_make_it(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(NotThere):
        sockets.connect(tmp_path, UID)


def test_a_socket_that_nobody_listens_on_is_no_launcher(tmp_path: Path, folder: Path) -> None:
    listening(folder / "launcher.sock").close()
    with pytest.raises(NotThere):
        sockets.connect(tmp_path, UID)


def test_a_full_backlog_does_not_block(tmp_path: Path, listener: socket.socket) -> None:
    waiting = []
    with pytest.raises(NotThere):
        for _ in range(10):
            waiting.append(sockets.connect(tmp_path, UID))
    for sock in waiting:
        sock.close()


def test_a_symbolic_link_to_a_listener_is_refused(tmp_path: Path, folder: Path) -> None:
    with listening(tmp_path / "elsewhere"):
        (folder / "launcher.sock").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(NotOurs, match="no socket"):
            sockets.connect(tmp_path, UID)


def test_a_fifo_is_refused_and_not_opened(tmp_path: Path, folder: Path) -> None:
    os.mkfifo(folder / "launcher.sock")
    with pytest.raises(NotOurs, match="no socket"):
        sockets.connect(tmp_path, UID)


def test_a_file_or_a_folder_is_refused(tmp_path: Path, folder: Path) -> None:
    (folder / "launcher.sock").mkdir()
    with pytest.raises(NotOurs, match="no socket"):
        sockets.connect(tmp_path, UID)


def test_a_linked_volume_folder_is_refused(tmp_path: Path, folder: Path) -> None:
    folder.rename(tmp_path / "moved")
    folder.symlink_to(tmp_path / "moved")
    with pytest.raises(NotOurs, match="not what the kubelet made"):
        sockets.connect(tmp_path, UID)


@pytest.mark.parametrize("uid", ["", "..", "a/b", "../other", "x" * 65])
def test_what_is_no_uid_never_becomes_a_path(tmp_path: Path, uid: str) -> None:
    with pytest.raises(NotOurs, match="no UID"):
        sockets.connect(tmp_path, uid)


def test_the_socket_that_was_checked_is_the_one_connected_to(
    tmp_path: Path, folder: Path, listener: socket.socket
) -> None:
    """Another listener takes the name between the check and the connection."""
    with sockets.opened(tmp_path, UID) as place:
        (folder / "launcher.sock").unlink()
        with listening(folder / "launcher.sock") as other, sockets.connect_to(place):
            listener.settimeout(5)
            listener.accept()[0].close()
            other.setblocking(False)
            with pytest.raises(BlockingIOError):
                other.accept()
