"""`kubemu run` and what follows it, with a real QEMU and a real guest."""

from __future__ import annotations

import http.client
import json
import os
import pty
import signal
import socket
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.qemu, pytest.mark.guest, pytest.mark.timeout(300)]

Manifest = Callable[..., str]
READY = "kubemu-guest: ready"
RUN = ("run", "--accel", "tcg")


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


def wait_until(condition: Callable[[], bool], limit: float = 60) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.05)


def test_a_vm_runs_to_its_end_and_leaves_its_record_alone(kubemu: Any, manifest: Manifest) -> None:
    vm = kubemu.run(*RUN, manifest('echo "hello from $(hostname)"; poweroff'))
    assert vm.process.returncode == 0
    assert "hello from tiny" in vm.out
    assert "emulat" not in vm.err
    assert "default/tiny: The guest powered off." in vm.err
    found = kubemu.ps()["default/tiny"]
    assert (found["phase"], found["reason"], found["memory"]) == (
        "Succeeded",
        "The guest powered off.",
        128 << 20,
    )
    assert [name for name in kubemu.left() if "tiny/" in name] == [
        "default/tiny/console.log",
        "default/tiny/launcher.log",
        "default/tiny/persistent",
        "default/tiny/state.json",
    ]
    assert "hello from tiny" in kubemu.run("logs", "--console", "tiny").out
    assert "ended guest-shutdown" in kubemu.run("logs", "tiny").out
    kubemu.run("delete", "tiny")
    assert kubemu.left() == []


def test_a_vm_beside_the_terminal(kubemu: Any, manifest: Manifest) -> None:
    started = kubemu.run(*RUN, manifest("true"), "--detach", "--output", "json")
    answer = json.loads(started.out)
    assert (answer["state"], answer["accel"]) == ("running", "tcg")
    ports = {
        (forward["protocol"], forward["guestPort"]): forward["hostPort"]
        for forward in answer["forwards"]
    }
    console = kubemu.start("console", "tiny")
    console.wait_for(READY)
    assert kubemu.ps()["default/tiny"]["phase"] == "Running"
    page = http.client.HTTPConnection("127.0.0.1", ports["tcp", 80], timeout=30)
    page.request("GET", "/")
    assert b"hostname=tiny" in page.getresponse().read()
    page.close()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(30)
        udp.sendto(b"echo", ("127.0.0.1", ports["udp", 7]))
        assert udp.recv(100) == b"echo"
    stopped = kubemu.run("stop", "tiny")
    assert (stopped.process.returncode, "The guest powered off." in stopped.err) == (0, True)
    assert console.end() == 0
    assert kubemu.ps()["default/tiny"]["phase"] == "Succeeded"


def test_the_terminal_is_the_console_until_it_is_left(kubemu: Any, manifest: Manifest) -> None:
    person, terminal = pty.openpty()
    vm = kubemu.start(*RUN, manifest("echo it-runs"), stdin=terminal)
    vm.wait_for(READY)
    vm.wait_for("login:")
    os.write(person, b"root\r")
    vm.wait_for("#")
    os.write(person, b"echo typed-$((40 + 2))\r")
    vm.wait_for("typed-42")
    os.write(person, b"\x1d")
    assert vm.end() == 0
    assert "goes on: kubemu console default/tiny" in vm.err
    back = kubemu.start("console", "tiny", stdin=terminal)
    back.wait_for("typed-42")
    os.write(person, b"poweroff\r")
    assert back.end() == 0
    wait_until(lambda: kubemu.ps()["default/tiny"]["phase"] == "Succeeded")
    os.close(person)
    os.close(terminal)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_powers_the_guest_down(
    kubemu: Any, manifest: Manifest, number: signal.Signals
) -> None:
    vm = kubemu.start(*RUN, manifest("true"))
    vm.wait_for(READY)
    vm.process.send_signal(number)
    assert (vm.end(), "The guest powered off." in vm.err) == (0, True)
    assert "kubemu-guest: down" in vm.out


def test_a_deaf_guest_is_killed_when_its_grace_is_over(kubemu: Any, manifest: Manifest) -> None:
    script = "killall acpid; echo deaf"
    vm = kubemu.start(*RUN, manifest(script, terminationGracePeriodSeconds=1))
    vm.wait_for(READY)
    vm.process.terminate()
    assert (vm.end(), "grace period of 1 s is over" in vm.err) == (14, True)
    assert kubemu.ps()["default/tiny"]["phase"] == "Failed"


def test_a_second_signal_hurries(kubemu: Any, manifest: Manifest) -> None:
    script = "killall acpid; echo deaf"
    vm = kubemu.start(*RUN, manifest(script, terminationGracePeriodSeconds=3600))
    vm.wait_for(READY)
    vm.process.terminate()
    vm.wait_for("powering down within 3600 s", "err")
    vm.process.terminate()
    assert vm.end() == 14


def test_a_time_limit_powers_down_with_its_own_status(kubemu: Any, manifest: Manifest) -> None:
    vm = kubemu.run(*RUN, manifest("true"), "--timeout", "12")
    assert vm.process.returncode == 124
    assert "the time is over" in vm.err


def test_the_machine_is_led_from_outside(kubemu: Any, manifest: Manifest) -> None:
    kubemu.run(*RUN, manifest("kubemu-tick 100"), "--detach")
    console = kubemu.start("console", "tiny")
    console.wait_for("tick 1")
    assert kubemu.run("pause", "tiny").process.returncode == 0
    paused = kubemu.ps()["default/tiny"]
    assert (paused["phase"], paused["reason"]) == ("Paused", "user")
    assert json.loads(kubemu.run("qmp", "tiny", "query-status").out)["status"] == "paused"
    assert kubemu.run("unpause", "tiny").process.returncode == 0
    assert kubemu.ps()["default/tiny"]["phase"] == "Running"
    answer = kubemu.run("qmp", "tiny", "human-monitor-command", "command-line=info name").out
    assert "tiny" in json.loads(answer)
    refused = kubemu.run("qmp", "tiny", "no-such-command")
    assert (refused.process.returncode, "no-such-command" in refused.err) == (1, True)
    agent = kubemu.run("guest-info", "tiny")
    assert (agent.process.returncode, "agent" in agent.err) == (1, True)
    picture = Path(kubemu.folder) / "screen.png"
    assert kubemu.run("screenshot", "tiny", str(picture)).process.returncode == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    ticks = console.out.count("kubemu-guest: up")
    assert kubemu.run("reset", "tiny").process.returncode == 0
    wait_until(lambda: console.out.count("kubemu-guest: up") > ticks)


@pytest.mark.parametrize("port", [None, "0"])
def test_a_viewer_sees_the_screen(kubemu: Any, manifest: Manifest, port: str | None) -> None:
    kubemu.run(*RUN, manifest("true"), "--detach")
    server = kubemu.start("vnc", "tiny", *(["--port", port] if port else []))
    server.wait_for("\n")
    place = server.out.strip()
    for _ in range(2):
        family = socket.AF_INET if port else socket.AF_UNIX
        host, _, number = place.rpartition(":")
        with socket.socket(family) as viewer:
            viewer.settimeout(30)
            viewer.connect((host, int(number)) if port else place)
            assert viewer.recv(12) == b"RFB 003.008\n"
    kubemu.run("stop", "tiny", "--grace", "0")
    assert server.end() == 0
    assert port or not Path(place).exists()


def test_a_killed_qemu_is_a_crash_with_its_last_line(kubemu: Any, manifest: Manifest) -> None:
    vm = kubemu.start(*RUN, manifest("true"))
    vm.wait_for(READY)
    os.kill(kubemu.ps()["default/tiny"]["pid"], signal.SIGKILL)
    assert (vm.end(), "signal 9" in vm.err) == (12, True)
    assert kubemu.ps()["default/tiny"]["phase"] == "Failed"


def test_a_killed_launcher_takes_qemu_along_and_blocks_nothing(
    kubemu: Any, manifest: Manifest
) -> None:
    file = manifest("true")
    vm = kubemu.start(*RUN, file)
    vm.wait_for(READY)
    qemu = kubemu.ps()["default/tiny"]["pid"]
    os.kill(kubemu.launcher_pid("default/tiny"), signal.SIGKILL)
    assert (vm.end(), "killed by signal 9" in vm.err) == (12, True)
    wait_until(lambda: not is_alive(qemu))
    again = kubemu.start(*RUN, file)
    again.wait_for(READY)
    again.process.terminate()
    assert again.end() == 0


def test_a_killed_launcher_of_a_detached_vm_is_noticed(kubemu: Any, manifest: Manifest) -> None:
    kubemu.run(*RUN, manifest("true"), "--detach")
    os.kill(kubemu.launcher_pid("default/tiny"), signal.SIGKILL)
    wait_until(lambda: kubemu.ps()["default/tiny"]["phase"] == "Failed")
    assert "left no word" in kubemu.ps()["default/tiny"]["reason"]
    assert not any("run" in name or "disks" in name for name in kubemu.left())


def test_a_killed_kubemu_does_not_block_the_next_run(kubemu: Any, manifest: Manifest) -> None:
    file = manifest("true")
    vm = kubemu.start(*RUN, file)
    vm.wait_for(READY)
    vm.process.kill()
    vm.end()
    assert kubemu.ps()["default/tiny"]["phase"] == "Running"
    again = kubemu.start(*RUN, file)
    again.wait_for("powering it down", "err")
    again.wait_for(READY)
    again.process.terminate()
    assert again.end() == 0


def test_a_name_that_runs_is_not_started_twice(kubemu: Any, manifest: Manifest) -> None:
    file = manifest("true")
    kubemu.run(*RUN, file, "--detach")
    second = kubemu.run(*RUN, file)
    assert (second.process.returncode, "default/tiny runs already" in second.err) == (1, True)
    assert kubemu.ps()["default/tiny"]["phase"] == "Running"
    other = kubemu.run(*RUN, file, "--name", "other", "--namespace", "lab", "--detach")
    assert other.process.returncode == 0
    assert sorted(kubemu.ps()) == ["default/tiny", "lab/other"]


def test_a_panic_has_its_own_status(kubemu: Any, manifest: Manifest) -> None:
    script = "echo 1 >/proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger"
    domain = {
        "memory": {"guest": "128Mi"},
        "devices": {
            "disks": [{"name": name, "disk": {"bus": "virtio"}} for name in ("root", "seed")],
            "panicDevices": [{"model": "pvpanic"}],
        },
    }
    vm = kubemu.run(*RUN, manifest(script, domain=domain, networks=[]))
    assert (vm.process.returncode, "panicked" in vm.err) == (13, True)


def test_an_archive_for_a_bug_report_has_no_secret(kubemu: Any, manifest: Manifest) -> None:
    secret = "h4rd-to-Guess"
    kubemu.run(*RUN, manifest(f'echo "password: {secret}"'), "--detach")
    kubemu.start("console", "tiny").wait_for(READY)
    target = Path(kubemu.folder) / "report.tar.gz"
    assert kubemu.run("collect", "tiny", "--file", str(target)).process.returncode == 0
    with tarfile.open(target) as archive:
        texts = {
            member.name.partition("/")[2]: archive.extractfile(member).read().decode()  # type: ignore[union-attr]
            for member in archive
        }
    assert sorted(texts) == [
        "console.log",
        "folders.txt",
        "host.json",
        "launcher.log",
        "live.json",
        "record.json",
    ]
    assert secret not in "".join(texts.values())
    assert "kubemu-guest: up" in texts["console.log"]
    assert json.loads(texts["live.json"])["status"]["argv"]
    assert json.loads(texts["record.json"])["manifest"]["kind"] == "VirtualMachineInstance"
    record = Path(kubemu.environment["XDG_STATE_HOME"]) / "kubemu/vms/default/tiny/state.json"
    assert secret not in record.read_text()
    assert target.stat().st_mode & 0o777 == 0o600
