"""Folders, locks, records, processes: what a crash leaves is recognised."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubemu import endings
from kubemu.errors import BadInput
from kubemu.folders import Folders, VmFolders, check_ours, find_folders, make_private, remove_tree
from kubemu.locks import lock, try_lock
from kubemu.names import VmName
from kubemu.occupancy import sweep, wait_gone
from kubemu.processes import Identity, find_identity, send_signal
from kubemu.record import Ending, Record, find_record, has_record, save_record
from virtlauncher.facts import Forward

VM = VmName(namespace="default", name="a")
UID = os.getuid()


def a_record(**changes: object) -> Record:
    record = Record(namespace="default", name="a", source="vm.yaml", started="2026-01-01T00:00:00Z")
    return dataclasses.replace(record, **changes)  # type: ignore[arg-type]


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as process:
        yield process
        process.kill()


@pytest.fixture
def folders(tmp_path: Path) -> VmFolders:
    found = VmFolders(state=tmp_path / "state/default/a", run=tmp_path / "run/default/a")
    found.state.mkdir(parents=True)
    found.run.mkdir(parents=True)
    return found


def test_folders_are_those_of_the_specification(tmp_path: Path) -> None:
    env = {
        "HOME": "/home/u",
        "XDG_RUNTIME_DIR": str(tmp_path),
        "XDG_STATE_HOME": "relative",
        "XDG_CACHE_HOME": "/c",
    }
    assert find_folders(env, UID) == Folders(
        runtime=tmp_path / "kubemu",
        state=Path("/home/u/.local/state/kubemu"),
        cache=Path("/c/kubemu"),
    )
    assert find_folders({"HOME": "/h"}, 5) == Folders(
        runtime=Path("/tmp/kubemu-5"),
        state=Path("/h/.local/state/kubemu"),
        cache=Path("/h/.cache/kubemu"),
    )


def test_anothers_runtime_folder_is_not_ours(tmp_path: Path) -> None:
    env = {"HOME": "/h", "XDG_RUNTIME_DIR": str(tmp_path)}
    assert find_folders(env, UID + 1).runtime == Path(f"/tmp/kubemu-{UID + 1}")


def test_a_private_folder_is_made_private_or_refused(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    make_private(folder, UID)
    folder.chmod(0o755)
    make_private(folder, UID)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    link = tmp_path / "link"
    link.symlink_to(folder)
    file = tmp_path / "file"
    file.write_text("")
    check_ours(tmp_path / "absent", UID)
    for bad, uid in ((link, UID), (file, UID), (folder, UID + 1)):
        with pytest.raises(BadInput, match="is no folder of ours"):
            check_ours(bad, uid)
        with pytest.raises(BadInput, match="is no folder of ours"):
            make_private(bad, uid)


def test_removing_a_tree_follows_no_link(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "link").symlink_to(kept)
    link = tmp_path / "link"
    link.symlink_to(kept)
    for victim in (tree, link, tmp_path / "absent"):
        remove_tree(victim)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_folders_that_are_no_names_are_no_vms(tmp_path: Path) -> None:
    folders = Folders(runtime=tmp_path, state=tmp_path, cache=tmp_path)
    for name in ("default/b", "default/a", "other/c", "BAD/x", "default/.lock"):
        (folders.vms / name).mkdir(parents=True)
    assert list(map(str, folders.names())) == ["default/a", "default/b", "other/c"]


def test_a_record_comes_back_whole(tmp_path: Path) -> None:
    record = a_record(
        launcher=find_identity(os.getpid()),
        ending=Ending(kind="killed", message="x"),
        forwards=(Forward(protocol="tcp", host_address="127.0.0.1", host_port=1, guest_port=2),),
        images={"root": "sha256:x"},
        manifest={"kind": "VirtualMachineInstance"},
    )
    save_record(tmp_path, record)
    assert find_record(tmp_path) == record
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]
    assert stat.S_IMODE((tmp_path / "state.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"namespace": 3}', '"x"'])
def test_a_damaged_record_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "state.json").write_text(text)
    assert (find_record(tmp_path), has_record(tmp_path)) == (None, True)


def test_a_process_is_itself_until_it_ends(sleeper: subprocess.Popen[bytes]) -> None:
    who = find_identity(sleeper.pid)
    assert who is not None
    other = dataclasses.replace(who, start=who.start - 1)
    rebooted = dataclasses.replace(who, boot="another")
    assert (who.alive(), other.alive(), rebooted.alive()) == (True, False, False)
    send_signal(other, signal.SIGKILL)
    assert who.alive()
    send_signal(who, signal.SIGKILL)
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert (who.alive(), find_identity(sleeper.pid)) == (False, None)


async def test_waiting_for_an_end_sees_it_or_brings_it(sleeper: subprocess.Popen[bytes]) -> None:
    who = find_identity(sleeper.pid)
    assert who is not None
    await wait_gone(who, 0.01)
    assert not who.alive()
    await wait_gone(who, 600)


async def test_a_folder_has_one_holder(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    async with lock(folder):
        with try_lock(folder) as held:
            assert not held
        waiting = asyncio.create_task(_hold_and_release(folder))
        await asyncio.sleep(0)
        assert not waiting.done()
    await waiting


async def test_a_folder_removed_under_the_lock_is_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    async with lock(folder):
        remove_tree(folder)
        async with lock(folder):
            assert folder.is_dir()


async def _hold_and_release(folder: Path) -> None:
    async with lock(folder):
        pass


def test_a_lock_ends_with_its_holder(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib, os\nfrom kubemu.locks import try_lock\n"
        "with try_lock(pathlib.Path(sys.argv[1])) as held:\n    os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", program, tmp_path], check=False)
    with try_lock(tmp_path) as held:
        assert held


def test_a_lost_vm_is_noted_and_cleaned_up(folders: VmFolders) -> None:
    gone = Identity(pid=1, start=0, boot="another boot")
    record = save_record(folders.state, a_record(launcher=gone))
    for folder in (folders.disks, folders.contents / "seed", folders.persistent):
        folder.mkdir(parents=True)
    (folders.run / "console.log").write_text("hello")
    swept = sweep(folders, record)
    assert swept.ending is not None and swept.ending.kind == endings.LOST
    assert find_record(folders.state) == swept
    assert not folders.run.exists()
    assert sorted(path.name for path in folders.state.iterdir()) == [
        "console.log",
        "persistent",
        "state.json",
    ]


def test_what_a_launcher_left_says_how_it_ended(folders: VmFolders) -> None:
    lines = [
        {"time": "T1", "level": "info", "logger": "virtlauncher.machine", "message": "running"},
        {
            "time": "T2",
            "level": "info",
            "logger": "virtlauncher.machine",
            "message": "ended crashed",
            "pid": 5,
        },
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines) + "Traceback: not JSON\n[]\n"
    folders.launcher_log.write_text(text)
    (folders.run / "termination").write_text("QEMU died by itself (signal 9).\n")
    assert endings.from_remains(folders) == Ending(
        kind="crashed", message="QEMU died by itself (signal 9).", at="T2"
    )
    assert [endings.render_entry(entry) for entry in endings.read_log(folders)] == [
        "T1 info    running",
        "T2 info    ended crashed pid=5",
        "Traceback: not JSON",
        "[]",
    ]


@pytest.mark.parametrize(
    ("status", "kind"), [(0, "guest-shutdown"), (4, "crashed"), (6, "killed"), (1, "lost")]
)
def test_a_launchers_status_is_understood(folders: VmFolders, status: int, kind: str) -> None:
    assert endings.from_status(status, folders).kind == kind


def test_a_killed_launcher_is_a_sentence(folders: VmFolders) -> None:
    ending = endings.from_status(-9, folders)
    assert (ending.kind, ending.message) == ("lost", "The launcher was killed by signal 9.")
