"""Real clients get their addresses: udhcpc, dhclient, dhcpcd and systemd-networkd."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.leases.serving import guest_of
from tests.integration.netplumb.pods import BRIDGED, MAC, NODE, POD, Guest, Pod

pytestmark = pytest.mark.root

PATIENCE = 60.0
RENEWAL = (
    b"\1\1\6\0"
    + bytes(8)
    + socket.inet_aton("10.0.2.2")
    + bytes(12)
    + bytes.fromhex(MAC.replace(":", "")).ljust(208, b"\0")
    + b"\x63\x82\x53\x63"
    + b"\x35\1\3\xff"
)
"""A DHCPREQUEST of a client that has its address."""
ROUTER = "default via fe80::ff:fe00:0 dev eth0"
NETWORKD = "/lib/systemd/systemd-networkd"
MORE: dict[str, Any] = {
    "domain": "sub.default.svc.cluster.local",
    "ntp": ["10.9.9.9"],
    "routes": [{"destination": "10.96.0.0/12", "gateway": "10.0.2.9"}],
    "tftp_server": "10.8.8.8",
    "boot_file": "pxelinux.0",
    "private_options": {"240": "ours"},
}


def eventually(what: Callable[[], bool], guest: Guest) -> None:
    deadline = time.monotonic() + PATIENCE
    while not what():
        shown = "\n".join(guest.run("ip", *words) for words in (["addr"], ["-6", "route"]))
        assert time.monotonic() < deadline, shown
        time.sleep(0.1)


def has(guest: Guest, text: str, *command: str) -> Callable[[], bool]:
    return lambda: text in guest.run("ip", *command)


def settled(guest: Guest) -> Callable[[], bool]:
    """Whether the guest's own address on the link is proved to be unique."""

    def look() -> bool:
        shown = guest.run("ip", "-6", "addr", "show", "dev", "eth0")
        return "scope link" in shown and "tentative" not in shown

    return look


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A client's hook that prints what the client was told, and keeps it by the client's reason."""
    path = tmp_path / "told"
    path.write_text("#!/bin/sh\nenv\nenv > $0.new && mv $0.new $0.$reason\n")
    path.chmod(0o755)
    return path


def told(output: str) -> dict[str, str]:
    """The environment of a client's last run of its hook."""
    return dict(line.split("=", 1) for line in output.splitlines() if "=" in line)


def udp(address: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(PATIENCE)
    sock.bind((address, port))
    return sock


def apart(script: str, *words: str) -> list[str]:
    """A command with mounts and processes of its own: what it mounts nobody else sees."""
    own = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"]
    return [*own, "sh", "-ec", script, *words]


def needs(program: str) -> None:
    assert shutil.which(program) or Path(program).exists(), f"{program} is not installed"


def test_udhcpc_is_told_all_that_it_asks_for(pod: Pod, script: Path) -> None:
    asked = ["search", "ntpsrv", "mtu", "staticroutes", "tftp", "bootfile", "0xf0"]
    options = [word for name in asked for word in ("-O", name)]
    with guest_of(pod, **MORE) as (guest, _):
        command = ["busybox", "udhcpc", "-f", "-q", "-n", "-i", "eth0", "-s", str(script)]
        values = told(guest.run(*command, *options))
    expected = {
        "ip": "10.0.2.2",
        "mask": "24",
        "router": "10.0.2.1",
        "serverid": "10.0.2.1",
        "dns": "10.88.0.1",
        "domain": MORE["domain"],
        "hostname": "vm",
        "search": "default.svc.cluster.local",
        "ntpsrv": "10.9.9.9",
        "mtu": "1500",
        "lease": str(999 * 86400),
        "staticroutes": "10.96.0.0/12 10.0.2.9 0.0.0.0/0 10.0.2.1",
        "tftp": "10.8.8.8",
        "bootfile": "pxelinux.0",
        "opt240": "6f757273",
    }
    assert {name: values.get(name) for name in expected} == expected


def test_a_bridged_guest_is_told_the_pods_address(pod: Pod, script: Path) -> None:
    with guest_of(pod, wanted=BRIDGED) as (guest, leases):
        client = ["busybox", "udhcpc", "-f", "-q", "-n", "-i"]
        values = told(guest.run(*client, "eth0", "-s", str(script)))
        expected = {"ip": POD[0], "mask": "24", "router": NODE[0], "serverid": "169.254.75.10"}
        assert {name: values.get(name) for name in expected} == expected
        # Who is on the pod's network gets nothing, and is not even heard.
        heard = sum(one.answered + one.dropped for one in leases.responders)
        pod.node.run(*client, "veth0", "-t", "2", "-T", "1", "-s", str(script), check=False)
        assert sum(one.answered + one.dropped for one in leases.responders) == heard


def test_dhclient_gets_both_families(pod: Pod, script: Path, tmp_path: Path) -> None:
    needs("dhclient")
    with guest_of(pod, **MORE) as (guest, _):
        eventually(settled(guest), guest)
        bound = {}
        for family, reason in (("-4", "BOUND"), ("-6", "BOUND6")):
            files = ["-lf", str(tmp_path / "leases"), "-pf", str(tmp_path / "pid")]
            command = ["dhclient", family, "-d", *files, "-sf", str(script), "eth0"]
            with guest.started(*command):
                kept = script.with_suffix(f".{reason}")
                eventually(kept.exists, guest)
            bound[family] = told(kept.read_text())
        four, six = bound.values()
    assert (four["reason"], four["new_ip_address"]) == ("BOUND", "10.0.2.2")
    assert four["new_domain_search"] == "default.svc.cluster.local."
    assert (six["reason"], six["new_ip6_address"]) == ("BOUND6", "fd10:0:2::2")
    assert six["new_dhcp6_name_servers"] == "fd88::1"


def test_dhcpcd_gets_both_families_and_the_route(pod: Pod) -> None:
    needs("dhcpcd")
    with guest_of(pod, **MORE) as (guest, leases):
        command = apart("""
            mount -t tmpfs tmpfs /run
            mount -t tmpfs tmpfs /var/lib/dhcpcd
            mount -t proc proc /proc
            exec dhcpcd --nobackground --config /dev/null --script /bin/true \\
                --option classless_static_routes eth0
        """)
        with guest.started(*command):
            eventually(has(guest, "inet 10.0.2.2/24", "addr"), guest)
            eventually(has(guest, "inet6 fd10:0:2::2/128", "addr"), guest)
            eventually(has(guest, ROUTER, "-6", "route"), guest)
            eventually(has(guest, "10.96.0.0/12 via 10.0.2.9", "route"), guest)
            reaches_the_node(guest)
        assert all(responder.answered for responder in leases.responders)


def test_networkd_gets_both_families_and_the_route(pod: Pod) -> None:
    needs(NETWORKD)
    # A read-only /sys is how it knows a container, where no udev tells it of devices.
    command = apart(
        """
        mount -t tmpfs tmpfs /run
        mkdir -p /run/systemd/network
        printf '[Match]\\nName=eth0\\n[Network]\\nDHCP=yes\\n' > /run/systemd/network/eth0.network
        mount -t sysfs -o ro sysfs /sys
        mount -t proc proc /proc
        exec "$0"
    """,
        NETWORKD,
    )
    with guest_of(pod) as (guest, _), guest.started(*command):
        eventually(has(guest, "inet 10.0.2.2/24", "addr"), guest)
        eventually(has(guest, "inet6 fd10:0:2::2/128", "addr"), guest)
        eventually(has(guest, ROUTER, "-6", "route"), guest)
        reaches_the_node(guest)


def reaches_the_node(guest: Guest) -> None:
    eventually(settled(guest), guest)
    for address in NODE:
        guest.run("busybox", "ping", "-c1", "-W20", address)


def test_a_kernel_alone_gets_the_route_and_no_address_of_its_own_making(pod: Pod) -> None:
    with guest_of(pod) as (guest, _):
        eventually(has(guest, ROUTER, "-6", "route"), guest)
        eventually(has(guest, "fd10:0:2::/120", "-6", "route"), guest)
        assert "scope global" not in guest.run("ip", "-6", "addr")


def test_a_guest_that_never_asks_is_told_in_the_end(pod: Pod) -> None:
    with guest_of(pod, advertise_every=0.1) as (guest, leases):
        guest.run("sysctl", "-qw", "net.ipv6.conf.eth0.router_solicitations=0")
        guest.run("ip", "link", "set", "eth0", "down")
        asked = sum(one.answered for one in leases.responders)
        guest.run("ip", "link", "set", "eth0", "up")
        eventually(has(guest, ROUTER, "-6", "route"), guest)
        assert sum(one.answered for one in leases.responders) > asked


def test_a_renewal_is_answered_to_the_client_alone(pod: Pod) -> None:
    with guest_of(pod) as (guest, _):
        guest.run("ip", "addr", "add", "10.0.2.2/24", "dev", "eth0")
        with guest.do(lambda: udp("10.0.2.2", 68)) as client:
            client.sendto(RENEWAL, ("10.0.2.1", 67))
            reply, server = client.recvfrom(2048)
    assert (server, reply[242]) == (("10.0.2.1", 67), 5)


def test_a_flood_of_noise_costs_nobody_else_an_answer(pod: Pod, script: Path) -> None:
    with guest_of(pod) as (guest, leases):
        guest.run("ip", "addr", "add", "10.0.2.2/24", "dev", "eth0")
        with guest.do(lambda: udp("10.0.2.2", 5000)) as noisy:
            for number in range(500):
                noisy.sendto(bytes([number % 256]) * 300, ("10.0.2.1", 67))
        guest.run(
            "busybox", "udhcpc", "-f", "-q", "-n", "-t", "30", "-i", "eth0", "-s", str(script)
        )
        (dhcp4,) = (one for one in leases.responders if one.name == "default/dhcp4")
        assert dhcp4.answered >= 2
        assert dhcp4.dropped
