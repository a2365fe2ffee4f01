"""A pod's network on one machine: two namespaces and a veth pair, as a CNI plugin leaves them.

A `Guest` is a third namespace at the other end of the tap: frames are carried between the tap's
descriptor and a tap of the guest's own, so that real programs play the guest without a QEMU.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import select
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self, TypeVar

from netplumb import Binding, Resolver, Wanted, taps
from netplumb.namespaces import run_inside

T = TypeVar("T")

MAC = "02:51:52:00:00:01"
WANTED = Wanted(name="default", mac=MAC, hostname="vm")
BRIDGED = Wanted(name="default", mac="", binding=Binding.BRIDGE, hostname="vm")
RESOLVER = Resolver(nameservers=("10.88.0.1", "fd88::1"), searches=("default.svc.cluster.local",))
NODE, POD = ("10.88.0.1", "fd88::1"), ("10.88.0.9", "fd88::9")
_COUNT = itertools.count()
_FRAME = 65536 + 64


class Namespace:
    """A network namespace with its loopback up, removed with the `with`."""

    def __init__(self, role: str) -> None:
        self.name = f"np{os.getpid()}-{next(_COUNT)}-{role}"

    def __enter__(self) -> Self:
        run("ip", "netns", "add", self.name)
        self.fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        self.run("ip", "link", "set", "lo", "up")
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.fd)
        run("ip", "netns", "del", self.name)

    @property
    def path(self) -> Path:
        return Path("/run/netns") / self.name

    def run(self, *command: str, check: bool = True, given: str | None = None) -> str:
        """Standard output of a command in the namespace."""
        return run("ip", "netns", "exec", self.name, *command, check=check, given=given)

    def do(self, work: Callable[[], T]) -> T:
        """Do something in a thread of the namespace: a socket made there stays there."""
        return run_inside(self.fd, work)

    def listen(self, address: str, port: int) -> socket.socket:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        listener = self.do(lambda: socket.create_server((address, port), family=family))
        listener.settimeout(20)
        return listener

    def listen_udp(self, address: str, port: int) -> socket.socket:
        sock = self.do(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        sock.bind((address, port))
        return sock

    @contextlib.contextmanager
    def started(self, *command: str) -> Iterator[subprocess.Popen[bytes]]:
        """A process in the namespace that ends when its standard input does, or is ended."""
        with self.do(lambda: subprocess.Popen(command, stdin=subprocess.PIPE)) as process:
            try:
                yield process
            finally:
                process.kill()

    def connect(self, address: str, port: int, source: str | None = None) -> socket.socket:
        own = (source, 0) if source else None
        return self.do(lambda: socket.create_connection((address, port), 20, own))

    def rules(self) -> str:
        return self.run("nft", "list", "ruleset")

    def links(self) -> set[str]:
        return {line.split(":")[1].split("@")[0].strip() for line in self.lines("ip", "-o", "link")}

    def lines(self, *command: str) -> list[str]:
        return self.run(*command).splitlines()

    def mac(self, link: str) -> str:
        return self.run("cat", f"/sys/class/net/{link}/address").strip()

    def setting(self, name: str) -> str:
        return self.run("cat", f"/proc/sys/{name}").strip()


class Pod(Namespace):
    """With eth0 and the families asked for, a node at its other end, and forwarding off."""

    def __init__(self, *, ipv4: bool = True, ipv6: bool = True, mtu: int = 1500) -> None:
        super().__init__("pod")
        self.node = Namespace("node")
        self.families = [4] * ipv4 + [6] * ipv6
        self.mtu = mtu

    def __enter__(self) -> Self:
        self.node.__enter__()
        super().__enter__()
        self.run("sysctl", "-qw", "net.ipv4.ip_forward=0", "net.ipv6.conf.all.forwarding=0")
        peer = ("peer", "name", "veth0", "netns", self.node.name)
        self.run("ip", "link", "add", "eth0", "mtu", str(self.mtu), "type", "veth", *peer)
        for namespace, device, addresses in (
            (self.node, "veth0", NODE),
            (self, "eth0", POD),
        ):
            namespace.run("ip", "link", "set", device, "mtu", str(self.mtu), "up")
            for address in addresses:
                if 6 in self.families and ":" in address:
                    namespace.run("ip", "addr", "add", f"{address}/64", "dev", device, "nodad")
                elif 4 in self.families and ":" not in address:
                    namespace.run("ip", "addr", "add", f"{address}/24", "dev", device)
        if 4 in self.families:
            self.run("ip", "route", "add", "default", "via", NODE[0])
        if 6 in self.families:
            self.run("ip", "-6", "route", "add", "default", "via", NODE[1])
        return self

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self.node.__exit__()


class Guest(Namespace):
    """What is behind a tap: a namespace with an eth0 that nothing has configured."""

    def __init__(self, tap_fd: int, mac: str = MAC) -> None:
        super().__init__("guest")
        self._tap_fd = tap_fd
        self._mac = mac

    def __enter__(self) -> Self:
        super().__enter__()
        (self._own,) = self.do(lambda: taps.open_tap("eth0", 1))
        self.run("ip", "link", "set", "eth0", "address", self._mac, "mtu", "1500")
        self._end, self._ended = os.pipe()
        self._carrier = threading.Thread(target=self._carry, name="frames")
        self._carrier.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._ended)
        self._carrier.join()
        for number in (self._own, self._end):
            os.close(number)
        super().__exit__()

    def configure_bridged(self) -> None:
        """By hand, what DHCP does on a bridge: the guest is the pod."""
        self.run("ip", "link", "set", "eth0", "up")
        self.run("ip", "addr", "add", f"{POD[0]}/24", "dev", "eth0")
        self.run("ip", "route", "add", "default", "via", NODE[0])

    def configure(self) -> None:
        """By hand, what DHCP and router advertisements do behind masquerade."""
        self.run("ip", "link", "set", "eth0", "up")
        self.run("ip", "addr", "add", "10.0.2.2/24", "dev", "eth0")
        self.run("ip", "addr", "add", "fd10:0:2::2/120", "dev", "eth0", "nodad")
        self.run("ip", "route", "add", "default", "via", "10.0.2.1")
        self.run("ip", "-6", "route", "add", "default", "via", "fd10:0:2::1")

    def _carry(self) -> None:
        other = {self._own: self._tap_fd, self._tap_fd: self._own}
        while True:
            ready, _, _ = select.select([self._end, *other], [], [])
            if self._end in ready:
                return
            for number in ready:
                # The link's other end may be down, or its queue full: a frame is lost, as on wires.
                with contextlib.suppress(OSError):
                    os.write(other[number], os.read(number, _FRAME))


def run(*command: str, check: bool = True, given: str | None = None) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, input=given, timeout=60, check=False
    )
    assert not check or done.returncode == 0, f"{' '.join(command)}: {done.stderr or done.stdout}"
    return done.stdout


@contextlib.contextmanager
def exchange(listener: socket.socket, client: socket.socket) -> Iterator[tuple[str, int]]:
    """Both ends of a connection speak; gives the peer's address as the server sees it."""
    with listener, client:
        server, peer = listener.accept()
        with server:
            server.settimeout(20)
            client.sendall(b"ping")
            assert server.recv(4) == b"ping"
            server.sendall(b"pong")
            assert client.recv(4) == b"pong"
            yield peer[0], peer[1]
