"""netplumb by hand: `python -m netplumb plan|apply|undo|show --netns PATH`.

`apply` holds the interface until its standard input ends or it is interrupted, then takes all of
it away. With a command after `--` it holds it as long as that runs; `{tap}`, `{dhcp4}`, `{dhcp6}`
and `{ra}` in its words become the numbers of the descriptors it inherits.
"""

from __future__ import annotations

import argparse
import json
import logging
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from . import describe, namespaces, plumbing
from .connected import Connected
from .errors import PlumbError
from .wanted import PRIMARY_DEVICE, Binding, Port, Protocol, Resolver, Wanted

_MAC = "02:00:00:00:00:02"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0; 1 for what failed; 2 for a wrong command line; `apply`: its command's."""
    chosen = _parser().parse_args(arguments)
    if chosen.verbose:
        logging.basicConfig(level=logging.DEBUG, format="%(message)s")
    try:
        with namespaces.opened(chosen.netns) as netns_fd:
            status = chosen.verb(netns_fd, chosen)
    except PlumbError as error:
        print(f"netplumb: {error.reason}: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"  {error.hint}", file=sys.stderr)
        return 1
    assert isinstance(status, int)
    return status


def _plan(netns_fd: int, chosen: argparse.Namespace) -> int:
    (plan,) = plumbing.plan_for(netns_fd, [_wanted(chosen)], _resolver(chosen))
    print(describe.describe(plan), end="")
    return 0


def _apply(netns_fd: int, chosen: argparse.Namespace) -> int:
    # A termination must come by the way on which everything is taken away.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    (connected,) = plumbing.connect(netns_fd, [_wanted(chosen)], _resolver(chosen))
    try:
        with connected:
            print(json.dumps(describe.to_json(connected)), flush=True)
            return _hold(connected, chosen.command)
    except KeyboardInterrupt:
        return 0
    finally:
        plumbing.undo(netns_fd)


def _undo(netns_fd: int, _: argparse.Namespace) -> int:
    plumbing.undo(netns_fd)
    return 0


def _show(netns_fd: int, chosen: argparse.Namespace) -> int:
    observed, rules = plumbing.show(netns_fd, chosen.device)
    print(describe.describe_namespace(observed, rules), end="")
    return 0


def _hold(connected: Connected, command: Sequence[str]) -> int:
    if not command:
        sys.stdin.read()
        return 0
    sockets = connected.sockets
    numbers = {
        "tap": ":".join(map(str, connected.tap_fds)),
        "dhcp4": sockets.dhcp4,
        "dhcp6": sockets.dhcp6,
        "ra": sockets.ra,
    }
    words = [word.format(**numbers) for word in command]
    return subprocess.run(words, pass_fds=connected.numbers(), check=False).returncode


def _wanted(chosen: argparse.Namespace) -> Wanted:
    return Wanted(
        name=chosen.name,
        pod_device=chosen.device,
        binding=chosen.binding,
        mac=chosen.mac or ("" if chosen.binding is Binding.BRIDGE else _MAC),
        queues=chosen.queues,
        ports=tuple(chosen.port),
        ipv4_cidr=chosen.ipv4_cidr,
        ipv6_cidr=chosen.ipv6_cidr,
        hostname=chosen.hostname,
        mtu=chosen.mtu,
    )


def _resolver(chosen: argparse.Namespace) -> Resolver:
    return Resolver.from_resolv_conf(chosen.resolv_conf.read_text())


def _port(text: str) -> Port:
    number, _, protocol = text.partition("/")
    return Port(number=int(number), protocol=Protocol(protocol.lower() or "tcp"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="netplumb", description="A pod's network, led to taps.")
    parser.add_argument("--verbose", action="store_true", help="tell each step")
    verbs = parser.add_subparsers(required=True)
    for name, verb, words in (
        ("plan", _plan, "say what apply would do"),
        ("apply", _apply, "connect an interface and hold it"),
        ("undo", _undo, "take away what apply made"),
        ("show", _show, "say what is there"),
    ):
        one = verbs.add_parser(name, help=words)
        one.set_defaults(verb=verb)
        one.add_argument("--netns", type=Path, required=True, help="file of the namespace")
        if verb is not _undo:
            one.add_argument("--device", default=PRIMARY_DEVICE, help="the pod's interface")
        if verb in (_plan, _apply):
            _add_wanted(one)
        if verb is _apply:
            one.add_argument("command", nargs="*", help="hold it for this command")
    return parser


def _add_wanted(parser: argparse.ArgumentParser) -> None:
    defaults = Wanted(name="default", mac=_MAC)
    parser.add_argument("--name", default=defaults.name)
    parser.add_argument("--binding", type=Binding, choices=Binding, default=defaults.binding)
    parser.add_argument("--mac", default="", help=f"the guest's ({_MAC}; bridge: the pod's)")
    parser.add_argument("--queues", type=int, default=defaults.queues)
    parser.add_argument("--port", type=_port, action="append", default=[], help="e.g. 53/udp")
    parser.add_argument("--ipv4-cidr", default=defaults.ipv4_cidr)
    parser.add_argument("--ipv6-cidr", default=defaults.ipv6_cidr)
    parser.add_argument("--hostname", default=defaults.hostname)
    parser.add_argument("--mtu", type=int)
    parser.add_argument("--resolv-conf", type=Path, default=Path("/etc/resolv.conf"))


if __name__ == "__main__":
    sys.exit(main())
