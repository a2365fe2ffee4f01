"""Cloud-init seeds: what their disks hold, and what stays out of every message."""

from __future__ import annotations

import base64
import json
import os
import stat
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from virtlauncher.builder.prepared import Layer
from virtlauncher.facts import Nic, NicKind, Source, SourceKind

USER = b"#cloud-config\npassword: hunter2\n"
NETWORK = b"version: 2\n"
UUID = "5d307ca9-b3ef-428c-8861-06e72d69f223"
META = {"instance-id": UUID, "local-hostname": "vm"}
LATEST = "openstack/latest"


def folder(machine: Any, name: str, files: Mapping[str, bytes], projected: bool) -> Source:
    """A secret's folder, plain or as the kubelet lays it out."""
    path = machine.path(f"{name}/x").parent
    data = path
    if projected:
        data = path / "..2026_01_02_03_04_05.678"
        data.mkdir()
        (path / "..data").symlink_to(data.name)
    for key, content in files.items():
        (data / key).write_bytes(content)
        if projected:
            (path / key).symlink_to(f"..data/{key}")
    return Source(kind=SourceKind.DIR, path=str(path))


def seed(machine: Any, tools: Any, name: str = "seed") -> tuple[str, dict[str, bytes]]:
    """Label and files of the disk that is made."""
    with machine.prepare() as content:
        fd = content.descriptors[f"disk/{name}/0/ro"]
        data = os.pread(fd, 1 << 24, 0)
        assert content.prepared.disks[name].size == len(data)
        result: tuple[str, dict[str, bytes]] = tools.iso_files(data)
    return result


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


FORMS = {
    "clear": {"userData": USER.decode(), "networkData": NETWORK.decode()},
    "base64": {"userDataBase64": b64(USER), "networkDataBase64": b64(NETWORK)},
    "secret": {"secretRef": {"name": "u"}, "networkDataSecretRef": {"name": "n"}},
}


@pytest.mark.parametrize("projected", [False, True])
@pytest.mark.parametrize("form", FORMS)
def test_a_no_cloud_seed_in_all_its_forms(
    machine: Any, tools: Any, form: str, projected: bool
) -> None:
    if form == "secret":
        machine.sources["seed/userdata"] = folder(machine, "u", {"userdata": USER}, projected)
        machine.sources["seed/networkdata"] = folder(
            machine, "n", {"networkData": NETWORK}, projected
        )
    machine.add("seed", {"cloudInitNoCloud": FORMS[form]})
    label, files = seed(machine, tools)
    assert json.loads(files.pop("meta-data")) == META
    assert (label, files) == ("cidata", {"user-data": USER, "network-config": NETWORK})


@pytest.mark.parametrize("form", FORMS)
def test_a_config_drive_in_all_its_forms(machine: Any, tools: Any, form: str) -> None:
    if form == "secret":
        machine.sources["seed/userdata"] = folder(machine, "u", {"userData": USER}, True)
        machine.sources["seed/networkdata"] = folder(machine, "n", {"networkdata": NETWORK}, True)
    machine.add("seed", {"cloudInitConfigDrive": FORMS[form]})
    label, files = seed(machine, tools)
    assert json.loads(files.pop(f"{LATEST}/meta_data.json")) == {
        "instance_id": "vm.tests",
        "hostname": "vm",
        "uuid": UUID,
    }
    assert (label, files) == (
        "config-2",
        {f"{LATEST}/user_data": USER, f"{LATEST}/network_data.json": NETWORK},
    )


def test_a_config_drive_says_which_interface_is_which(machine: Any, tools: Any) -> None:
    machine.domain["devices"] = {
        "interfaces": [
            {"name": "default", "masquerade": {}},
            {"name": "red", "bridge": {}, "tag": "backup"},
        ]
    }
    machine.spec["networks"] = [
        {"name": "default", "pod": {}},
        {"name": "red", "multus": {"networkName": "red"}},
    ]
    for number, name in enumerate(("default", "red")):
        machine.nics[name] = Nic(kind=NicKind.USER, mac=f"02:00:00:00:00:0{number}")
    machine.add("seed", {"cloudInitConfigDrive": {"userData": "#cloud-config"}})
    _, files = seed(machine, tools)
    assert json.loads(files[f"{LATEST}/meta_data.json"])["devices"] == [
        {
            "type": "nic",
            "bus": "pci",
            "address": "0000:02:00.0",
            "mac": "02:00:00:00:00:01",
            "tags": ["backup"],
        }
    ]


def test_one_secret_may_hold_user_and_network_data(machine: Any, tools: Any) -> None:
    both = {"userdata": USER, "networkdata": NETWORK}
    machine.sources["seed/userdata"] = folder(machine, "u", both, True)
    machine.add("seed", {"cloudInitNoCloud": {"secretRef": {"name": "u"}}})
    _, files = seed(machine, tools)
    assert (files["user-data"], files["network-config"]) == (USER, NETWORK)


def test_network_data_alone_gets_empty_user_data(machine: Any, tools: Any) -> None:
    machine.add("seed", {"cloudInitNoCloud": {"networkData": "version: 1"}})
    _, files = seed(machine, tools)
    assert (files["user-data"], files["network-config"]) == (b"", b"version: 1")


def test_the_hostname_is_the_wish_or_the_names_first_label(machine: Any, tools: Any) -> None:
    machine.add("seed", {"cloudInitNoCloud": {"userData": "x"}})
    machine.spec["hostname"] = "wish"
    _, files = seed(machine, tools)
    assert json.loads(files["meta-data"])["local-hostname"] == "wish"


def test_ssh_keys_of_every_file_are_values_of_the_metadata(machine: Any, tools: Any) -> None:
    evil = b'ssh-rsa AAA me\nuser-data: "x"\n\n# a comment\nssh-ed25519 BBB \xc3\xbc\n'
    machine.sources["accessCredentials/1"] = folder(machine, "k", {"a": evil, "b": b"k3"}, True)
    secret = {"source": {"secret": {"secretName": "k"}}}
    machine.spec["accessCredentials"] = [
        {
            "sshPublicKey": {
                **secret,
                "propagationMethod": {"qemuGuestAgent": {"users": ["me"]}},
            }
        },
        {"sshPublicKey": {**secret, "propagationMethod": {"noCloud": {}}}},
    ]
    machine.add("seed", {"cloudInitNoCloud": {"userData": "x"}})
    _, files = seed(machine, tools)
    assert json.loads(files["meta-data"])["public-keys"] == {
        "0": "ssh-rsa AAA me",
        "1": 'user-data: "x"',
        "2": "ssh-ed25519 BBB ü",
        "3": "k3",
    }
    assert set(files) == {"meta-data", "user-data"}


def test_a_seed_has_no_name_and_is_for_us_alone(machine: Any) -> None:
    machine.add("seed", {"cloudInitNoCloud": {"userData": "x"}})
    with machine.prepare() as content:
        disk = content.prepared.disks["seed"]
        status = os.fstat(content.descriptors["disk/seed/0/rw"])
        assert (stat.S_IMODE(status.st_mode), status.st_nlink) == (0o600, 0)
        assert disk.layers == (
            Layer(format="raw", readonly_fd="disk/seed/0/ro", readwrite_fd="disk/seed/0/rw"),
        )
        assert (disk.iso, disk.made) == (True, ())
    assert machine.made() == []


@pytest.mark.parametrize(
    "data", [b"\x00" * 10, b"\xff\xfe not text", b"\x1f\x8b\x08 compressed"], ids=repr
)
def test_bytes_that_are_no_text_arrive_as_they_are(machine: Any, tools: Any, data: bytes) -> None:
    machine.add("seed", {"cloudInitNoCloud": {"userDataBase64": b64(data)}})
    assert seed(machine, tools)[1]["user-data"] == data


SECRET = "hunter2"


def quiet(error: BaseException) -> bool:
    """Whether neither the error nor what it came from carries a piece of the seed."""
    return SECRET not in "".join(traceback.format_exception(error)) and SECRET not in repr(error)


def test_data_above_the_limit_is_refused(machine: Any, tools: Any) -> None:
    big = SECRET.encode() * (50 << 17)
    machine.sources["seed/userdata"] = folder(machine, "u", {"userdata": big}, False)
    machine.add("seed", {"cloudInitNoCloud": {"secretRef": {"name": "u"}}})
    refusal = machine.refusal()
    assert refusal.message == ("volume 'seed', secret 'u': its files have more than 4194304 bytes")
    assert quiet(refusal)
    machine.sources["seed/userdata"] = folder(machine, "v", {"userdata": bytes(2 << 20)}, False)
    assert machine.refusal().message == (
        "volume 'seed': its user data has 2097152 bytes; more than 1048576 are not taken"
    )


def test_a_secret_that_is_missing_or_has_no_such_key_is_named(machine: Any) -> None:
    machine.add("seed", {"cloudInitNoCloud": {"secretRef": {"name": "u"}}})
    assert machine.refusal().message == (
        "volume 'seed', secret 'u': nothing says where its content is"
    )
    machine.sources["seed/userdata"] = folder(machine, "u", {"other": b"x"}, True)
    assert machine.refusal().message == "volume 'seed': secret 'u' has no key 'userdata'"


def test_bad_base64_and_bad_unicode_are_refused_without_showing_them(machine: Any) -> None:
    machine.add("seed", {"cloudInitNoCloud": {"userDataBase64": f"{SECRET}!"}})
    refusal = machine.refusal()
    assert refusal.message == "volume 'seed': userDataBase64 is not a valid base64 value"
    assert quiet(refusal)
    machine.sources["accessCredentials/0"] = folder(
        machine, "k", {"a": b"\xff" + SECRET.encode()}, False
    )
    machine.spec["accessCredentials"] = [
        {
            "sshPublicKey": {
                "source": {"secret": {"secretName": "k"}},
                "propagationMethod": {"noCloud": {}},
            }
        }
    ]
    machine.volumes[0] = {"name": "seed", "cloudInitNoCloud": {"userData": "x"}}
    refusal = machine.refusal()
    assert refusal.message == "secret 'k': an SSH key is not text"
    assert quiet(refusal)


def test_a_link_out_of_a_secret_is_refused(machine: Any) -> None:
    source = folder(machine, "u", {}, False)
    (Path(source.path) / "userdata").symlink_to("/etc/shadow")
    machine.sources["seed/userdata"] = source
    machine.add("seed", {"cloudInitNoCloud": {"secretRef": {"name": "u"}}})
    assert machine.refusal().message == (
        "volume 'seed', secret 'u': userdata is a symbolic link, not a regular file"
    )
    (Path(source.path) / "userdata").unlink()
    (Path(source.path) / "..data").symlink_to("../../../../etc")
    assert machine.refusal().message == (
        "volume 'seed', secret 'u': its ..data leads to '../../../../etc', outside the volume"
    )
