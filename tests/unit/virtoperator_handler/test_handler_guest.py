"""What a guest's agent says is read under limits."""

from typing import Any

import pytest

from virtoperator.handler import guest
from virtoperator.handler.guest import Filesystem, GuestNic


def test_an_operating_system_has_kubevirts_names() -> None:
    answer = {"id": "debian", "pretty-name": "Debian 12", "kernel-release": "6.1", "other": "x"}
    expected = {"id": "debian", "prettyName": "Debian 12", "kernelRelease": "6.1"}
    assert guest.read_os(answer) == expected


def test_texts_are_cut_and_without_control_characters() -> None:
    found = guest.read_os({"name": "a\x1b[31m\nb", "id": "x" * 10_000})
    assert found == {"name": "a[31mb", "id": "x" * 256}


def test_interfaces_without_loopback_and_nonsense() -> None:
    answer = [
        {"name": "lo", "hardware-address": "00:00:00:00:00:00"},
        {
            "name": "eth0",
            "hardware-address": "02:AA:00:00:00:01",
            "ip-addresses": [
                {"ip-address": "10.0.2.2", "prefix": 24},
                {"ip-address": "fd10:0:2::0002"},
                {"ip-address": "<script>"},
                "no entry",
            ],
        },
        {"name": "tun0"},
        {"name": "bad", "hardware-address": "not a mac"},
        {"name": ["no", "name"]},
        7,
    ]
    assert guest.read_nics(answer) == (
        GuestNic(name="eth0", mac="02:aa:00:00:00:01", addresses=("10.0.2.2", "fd10:0:2::2")),
        GuestNic(name="tun0", mac="", addresses=()),
    )


def test_lists_are_short() -> None:
    addresses = [{"ip-address": f"10.0.{n // 256}.{n % 256}"} for n in range(1000)]
    nics = guest.read_nics([{"name": "eth0", "ip-addresses": addresses}] * 1000)
    assert (len(nics), len(nics[0].addresses)) == (64, 32)
    assert len(guest.read_filesystems([{"name": "vda1"}] * 1000)) == 64


def test_file_systems() -> None:
    answer = [
        {
            "name": "vda1",
            "mountpoint": "/",
            "type": "ext4",
            "used-bytes": 10,
            "total-bytes": 100,
        },
        {"name": "vdb", "mountpoint": "/b", "type": "xfs", "used-bytes": -1, "total-bytes": True},
    ]
    assert guest.read_filesystems(answer) == (
        Filesystem(name="vda1", mount_point="/", kind="ext4", used=10, total=100),
        Filesystem(name="vdb", mount_point="/b", kind="xfs", used=None, total=None),
    )


@pytest.mark.parametrize("answer", [None, 7, "text", {"a": 1}, [None]])
def test_another_answer_is_none(answer: Any) -> None:
    assert guest.read_os(answer) == {}
    assert guest.read_nics(answer) == ()
    assert guest.read_filesystems(answer) == ()
