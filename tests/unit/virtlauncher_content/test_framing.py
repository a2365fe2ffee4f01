"""Messages and descriptors over a real socketpair."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from virtlauncher import framing
from virtlauncher.errors import WireError

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    here, there = socket.socketpair()
    with here, there:
        yield here, there


def descriptors() -> set[str]:
    return {entry.name for entry in Path("/proc/self/fd").iterdir()}


def test_a_message_arrives_with_its_descriptors_by_name(pair: Pair) -> None:
    read, write = os.pipe()
    framing.send(pair[0], {"vmi": {"a": "ü\n"}}, {"in": read, "out": write})
    message, fds = framing.receive(pair[1])
    assert message == {"vmi": {"a": "ü\n"}}
    assert list(fds) == ["in", "out"]
    os.write(fds["out"], b"x")
    assert os.read(read, 1) == b"x"
    assert not os.get_inheritable(fds["in"])
    framing.close_all([read, write, *fds.values()])


def test_a_message_larger_than_the_socket_buffer_arrives_whole(pair: Pair) -> None:
    message = {"text": "x" * 3_000_000}
    sender = threading.Thread(target=framing.send, args=(pair[0], message))
    sender.start()
    assert framing.receive(pair[1]) == (message, {})
    sender.join()


def test_the_kernels_bound_of_descriptors_is_refused_before_anything_is_sent(pair: Pair) -> None:
    with pytest.raises(WireError, match="254 descriptors"):
        framing.send(pair[0], {}, {str(i): 0 for i in range(254)})
    framing.send(pair[0], {}, {str(i): 0 for i in range(253)})
    _, fds = framing.receive(pair[1])
    assert len(fds) == 253
    framing.close_all(fds.values())


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"fds":["a"]}\n', "1 descriptors|2 descriptors"),
        (b'{"fds":["a","a"]}\n', "2 descriptors came for 2 names"),
        (b'{"fds":7}\n', "'fds' is not a list of names"),
        (b"[]\n", "no JSON object"),
        (b"{\n", "not JSON"),
        (b"[" * 100_000 + b"\n", "not JSON"),
        (b"{}\n{}\n", "more than one message"),
    ],
)
def test_a_broken_message_is_an_error_and_its_descriptors_are_closed(
    pair: Pair, line: bytes, message: str
) -> None:
    before = descriptors()
    pair[0].sendmsg([line], framing.rights([0, 1]))
    with pytest.raises(WireError, match=message):
        framing.receive(pair[1])
    assert descriptors() == before


def test_more_descriptors_than_allowed_are_an_error_and_closed(pair: Pair) -> None:
    before = descriptors()
    pair[0].sendmsg([b'{"fds":["a","b","c"]}\n'], framing.rights([0, 0, 0, 0, 0]))
    with pytest.raises(WireError, match="more than 2 descriptors"):
        framing.receive(pair[1], fds_limit=2)
    assert descriptors() == before


def test_a_line_without_end_is_cut_off(pair: Pair) -> None:
    pair[0].sendall(b"x" * 2000)
    with pytest.raises(WireError, match="longer than 1000"):
        framing.receive(pair[1], line_limit=1000)


def test_a_peer_that_goes_away_is_told_from_one_that_never_spoke(pair: Pair) -> None:
    pair[0].sendall(b'{"a":')
    pair[0].shutdown(socket.SHUT_WR)
    with pytest.raises(WireError, match="went away"):
        framing.receive(pair[1])
    with pytest.raises(EOFError):
        framing.receive(pair[1])
