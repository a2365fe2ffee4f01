"""`python -m netplumb`: plan, apply, show, undo."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.integration.netplumb.pods import POD, Pod

pytestmark = pytest.mark.root

NETPLUMB = [sys.executable, "-m", "netplumb"]
APART = ["unshare", "--mount", "--propagation", "private"]
"""With mounts of its own: what is mounted there nobody else sees."""


def netplumb(verb: str, pod: Pod, *more: str) -> subprocess.CompletedProcess[str]:
    command = [*NETPLUMB, verb, "--netns", str(pod.path), *more]
    return subprocess.run(
        command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )


def test_a_plan_changes_nothing(pod: Pod) -> None:
    done = netplumb("plan", pod, "--port", "80", "--port", "53/udp", "--mac", "02:51:52:00:00:01")
    assert "tcp dport { 80 } dnat to 10.0.2.2" in done.stdout
    assert "udp dport { 53 } dnat to 10.0.2.2" in done.stdout
    assert (pod.rules(), done.returncode) == ("", 0)


def test_apply_holds_for_a_command_and_takes_all_away(pod: Pod) -> None:
    shown = [*NETPLUMB, "show", "--netns", str(pod.path)]
    done = netplumb("apply", pod, "--", *shown)
    first, rest = done.stdout.split("\n", 1)
    assert json.loads(first)["pod_addresses"] == list(POD)
    assert "link tap0: mac 02:00:00:00:00:00, mtu 1500, 10.0.2.1/24, fd10:0:2::1/120" in rest
    assert "setting net/ipv4/ip_forward = 1 (was 0)" in rest
    assert "table ip6 netplumb_tap0" in rest
    assert pod.rules() == ""
    assert pod.links() == {"lo", "eth0"}


def test_a_bridge_by_hand(pod: Pod) -> None:
    mac = pod.mac("eth0")
    done = netplumb("apply", pod, "--binding", "bridge", "--", "true")
    assert json.loads(done.stdout)["mac"] == mac
    assert (pod.links(), pod.mac("eth0"), pod.rules()) == ({"lo", "eth0"}, mac, "")


def test_a_command_of_apply_gets_the_descriptors(pod: Pod) -> None:
    done = netplumb("apply", pod, "--queues", "2", "--", "echo", "fds={tap}", "{dhcp4}", "{ra}")
    queues, *sockets = done.stdout.splitlines()[1].removeprefix("fds=").split()
    assert len(queues.split(":")) == 2
    assert all(number.isdigit() for number in sockets)


def test_apply_without_a_command_ends_with_its_input(pod: Pod) -> None:
    assert netplumb("apply", pod).returncode == 0
    assert pod.rules() == ""


def test_undo_after_a_kill(pod: Pod) -> None:
    command = [*NETPLUMB, "apply", "--netns", str(pod.path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        process.stdout.readline()
        process.kill()
    assert "netplumb_tap0" in pod.rules()
    assert netplumb("undo", pod).returncode == 0
    assert pod.rules() == ""
    assert pod.setting("net/ipv4/ip_forward") == "0"


def test_a_failure_is_a_sentence_and_a_hint(pod: Pod) -> None:
    done = netplumb("plan", pod, "--device", "eth7")
    assert done.returncode == 1
    assert done.stderr == (
        "netplumb: PodDeviceMissing: interface 'default': eth7 is not there in the pod's"
        " namespace\n"
        "  the pod's network is made by the node's CNI plugin\n"
    )


def test_a_namespace_that_is_not_there() -> None:
    done = subprocess.run(
        [*NETPLUMB, "undo", "--netns", "/nowhere"], capture_output=True, text=True, check=False
    )
    assert done.stderr == "netplumb: NamespaceGone: /nowhere: No such file or directory\n"


def test_without_the_right_to_it_nothing_is_touched(pod: Pod) -> None:
    nobody = ["setpriv", "--reuid", "65534", "--clear-groups", "--bounding-set=-all"]
    command = [*nobody, "--inh-caps=-all", *NETPLUMB, "apply", "--netns", str(pod.path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("netplumb: NotPermitted: this process may not enter another")


def test_settings_that_cannot_be_written_are_told(pod: Pod) -> None:
    readonly = "mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys"
    words = ["sh", "-c", f'{readonly} && exec "$@"', "sh"]
    done = subprocess.run(
        [*APART, *words, *NETPLUMB, "apply", "--netns", str(pod.path)],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.stderr.startswith(
        "netplumb: NotPermitted: interface 'default': set net/ipv4/conf/tap0/route_localnet = 1"
    )
    assert pod.links() == {"lo", "eth0"}
    assert pod.rules() == ""
