"""Families of devices, where the golden files show one case and there are more."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from virtcrds import VirtualMachineInstance
from virtlauncher.builder.plan import plan
from virtlauncher.builder.prepared import Prepared
from virtlauncher.errors import Refused, Unsupported
from virtlauncher.facts import Facts
from virtlauncher.plan import Plan

Case = tuple[VirtualMachineInstance, Facts, Prepared]
Make = Callable[[dict[str, Any]], Case]
Build = Callable[..., Plan]

LIMITS = "kubemu.io/disk-limits"


@pytest.fixture
def build(make: Make) -> Build:
    """Plans a VM of 256 MiB with this domain, and one raw volume per disk."""

    def built(
        annotations: dict[str, str] | None = None,
        facts: dict[str, Any] | None = None,
        volume: dict[str, Any] | None = None,
        **domain: Any,
    ) -> Plan:
        domain = {"memory": {"guest": "256Mi"}, "devices": {}} | domain
        domain["devices"] = {"autoattachPodInterface": False} | domain["devices"]
        disks = domain["devices"].get("disks", [])
        vmi = {
            "metadata": {"name": "vm", "annotations": annotations or {}},
            "spec": {"domain": domain},
        }
        prepared = {"disks": {one["name"]: raw(one["name"]) | (volume or {}) for one in disks}}
        return plan(*make({"vmi": vmi, "facts": facts or {}, "prepared": prepared}))

    return built


def raw(name: str) -> dict[str, Any]:
    layer = {"format": "raw", "readonly_fd": f"{name}/ro", "readwrite_fd": f"{name}/rw"}
    return {"volume": name, "size": 1 << 20, "layers": [layer]}


def value(built: Plan, option: str, nth: int = 0) -> str:
    values = [b for a, b in zip(built.argv, built.argv[1:], strict=False) if a == option]
    return values[nth]


def device(built: Plan, id: str) -> dict[str, Any]:
    for name, text in zip(built.argv, built.argv[1:], strict=False):
        if name == "-device" and (tree := json.loads(text))["id"] == id:
            assert isinstance(tree, dict)
            return tree
    raise AssertionError(id)


@pytest.mark.parametrize(
    ("domain", "size", "option"),
    [
        # No whole number of MiB: the guest gets more, never less.
        ({"memory": {"guest": "128M"}}, 123 << 20, "size=123M"),
        ({"memory": {}, "resources": {"requests": {"memory": "64Mi"}}}, 64 << 20, "size=64M"),
        ({"memory": {}, "resources": {"limits": {"memory": "65Mi"}}}, 65 << 20, "size=65M"),
        ({"memory": {"guest": "2Gi"}}, 2 << 30, "size=2048M"),
        (
            {"memory": {"guest": "2Gi", "maxGuest": "3Gi"}},
            2 << 30,
            "size=2048M,slots=0,maxmem=3072M",
        ),
        ({"memory": {"guest": "2Gi", "maxGuest": "8Gi"}}, 2 << 30, "size=2048M"),
        ({"memory": {"hugepages": {"pageSize": "1Gi"}}}, 1 << 30, "size=1024M"),
        ({"memory": {"guest": "3Mi", "hugepages": {"pageSize": "2Mi"}}}, 4 << 20, "size=4M"),
    ],
)
def test_memory_is_what_the_vm_asks_for(
    domain: dict[str, Any], size: int, option: str, build: Build
) -> None:
    built = build(**domain)
    assert (built.abi.memory, value(built, "-m")) == (size, option)


def test_a_maxguest_that_no_default_may_have_set_is_a_wish(build: Build) -> None:
    built = build(facts={"staged": True}, memory={"guest": "2Gi", "maxGuest": "8Gi"})
    assert value(built, "-m") == "size=2048M,slots=0,maxmem=8192M"


@pytest.mark.parametrize(
    ("memory", "backend"),
    [({}, "ram"), ({"kubevirt.io/memfd": "true"}, "memfd"), ({"kubevirt.io/memfd": "no"}, "ram")],
)
def test_the_backend_is_anonymous_memory_unless_asked(
    memory: dict[str, str], backend: str, build: Build
) -> None:
    assert build(annotations=memory).abi.memory_backend == backend


@pytest.mark.parametrize("page", ["4Ki", "1Mi", "x"])
def test_a_page_size_that_amd64_lacks_is_refused(page: str, build: Build) -> None:
    with pytest.raises(Refused) as refused:
        build(memory={"guest": "1Gi", "hugepages": {"pageSize": page}})
    assert refused.value.field == "spec.domain.memory.hugepages.pageSize"


def test_no_memory_at_all_is_refused(build: Build) -> None:
    with pytest.raises(Refused, match="no memory requested"):
        build(memory={})


@pytest.mark.parametrize(
    ("cpu", "smp"),
    [
        ({"cores": 3}, "3,maxcpus=3,sockets=1,cores=3,threads=1"),
        ({"sockets": 2, "cores": 2, "threads": 2}, "8,maxcpus=32,sockets=8,cores=2,threads=2"),
        ({"sockets": 2, "maxSockets": 3}, "2,maxcpus=3,sockets=3,cores=1,threads=1"),
        ({"sockets": 200}, "200,maxcpus=255,sockets=255,cores=1,threads=1"),
        ({"sockets": 64, "cores": 2}, "128,maxcpus=254,sockets=127,cores=2,threads=1"),
    ],
)
def test_the_topology_leaves_room_to_plug_cpus(cpu: dict[str, Any], smp: str, build: Build) -> None:
    assert value(build(cpu=cpu), "-smp") == smp


@pytest.mark.parametrize(
    ("accel", "cpu", "option"),
    [
        ("tcg", {}, "max"),
        ("kvm", {}, "host,migratable=on"),
        ("kvm", {"model": "host-passthrough"}, "host,migratable=on"),
        ("kvm", {"model": "Haswell-v4"}, "Haswell-v4,mpx=off"),
        (
            "tcg",
            {
                "model": "Nehalem",
                "features": [
                    {"name": "a", "policy": "force"},
                    {"name": "b", "policy": "optional"},
                    {"name": "c", "policy": "disable"},
                    {"name": "d", "policy": "forbid"},
                    {"name": "sse4.1"},
                ],
            },
            "Nehalem,mpx=off,a=on,b=on,c=off,d=off,sse4.1=on",
        ),
    ],
)
def test_cpu_models_and_features(
    accel: str, cpu: dict[str, Any], option: str, build: Build
) -> None:
    assert build(facts={"accel": accel}, cpu=cpu).abi.cpu == option


def test_an_unknown_cpu_model_is_refused_before_qemu_starts(build: Build) -> None:
    facts = {"qemu": {"cpu_models": ["Haswell", "max"]}}
    with pytest.raises(Unsupported, match="no CPU model 'Hasswell'") as refused:
        build(facts=facts, cpu={"model": "Hasswell"})
    assert refused.value.field == "spec.domain.cpu.model"


@pytest.mark.parametrize(
    ("wanted", "machine"), [("q35", "pc-q35-7.2"), ("pc-q35-7.1", "pc-q35-7.1")]
)
def test_the_machine_is_a_versioned_one(wanted: str, machine: str, build: Build) -> None:
    assert build(machine={"type": wanted}).abi.machine == machine


def test_a_machine_that_this_qemu_lacks_is_refused(build: Build) -> None:
    with pytest.raises(Unsupported, match="no machine 'pc-q35-rhel9'"):
        build(machine={"type": "pc-q35-rhel9"})


def test_translated_code_has_a_bound_that_follows_the_memory(build: Build) -> None:
    sizes = {"128Mi": 32, "512Mi": 64, "1Gi": 128, "64Gi": 256}
    for memory, buffer in sizes.items():
        built = build(memory={"guest": memory})
        assert value(built, "-accel") == f"tcg,tb-size={buffer}"


IO_DISKS = [
    {"name": "a", "disk": {"bus": "virtio"}},
    {"name": "b", "disk": {"bus": "virtio"}, "dedicatedIOThread": True},
    {"name": "c", "disk": {"bus": "sata"}},
    {"name": "d", "disk": {"bus": "virtio"}},
    {"name": "e", "disk": {"bus": "virtio"}},
]


@pytest.mark.parametrize(
    ("domain", "threads"),
    [
        pytest.param({"ioThreadsPolicy": "shared"}, [1, 2, 1, 1], id="shared"),
        pytest.param({}, [1, 2, 1, 1], id="dedicated-alone"),
        pytest.param({"ioThreadsPolicy": "auto"}, [1, 2, 1, 1], id="auto-one-cpu"),
        pytest.param(
            {"ioThreadsPolicy": "auto", "cpu": {"cores": 2}}, [1, 4, 2, 3], id="auto-two-cpus"
        ),
    ],
)
def test_io_threads(domain: dict[str, Any], threads: list[int], build: Build) -> None:
    built = build(devices={"disks": IO_DISKS}, **domain)
    shown = [device(built, f"disk-{name}")["iothread"] for name in "abde"]
    assert shown == [f"iothread{number}" for number in threads]
    assert "iothread" not in device(built, "disk-c")


def test_without_a_policy_there_are_no_io_threads(build: Build) -> None:
    built = build(devices={"disks": [{"name": "a", "disk": {"bus": "virtio"}}]})
    assert not any("iothread" in word for word in built.argv)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "not JSON"),
        ("[]", "the annotation must be a JSON object"),
        ('{"root": 1}', "root must be a JSON object"),
        ('{"other": {}}', "there is no disk 'other'"),
        ('{"root": {"iops": 1}}', "'iops' is no limit"),
        ('{"root": {"iopsTotal": "x"}}', "is no amount"),
        ('{"root": {"iopsTotal": -1}}', "is no amount"),
        ('{"root": {"iopsTotal": 1.5}}', "is no amount"),
        ('{"root": {"iopsTotal": true}}', "is no amount"),
        ('{"root": {"bpsRead": "1Ei"}}', "is no amount"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_limits_that_make_no_sense_are_refused(text: str, complaint: str, build: Build) -> None:
    disks = [{"name": "root", "disk": {"bus": "virtio"}}]
    with pytest.raises(Refused, match=complaint) as refused:
        build(annotations={LIMITS: text}, devices={"disks": disks})
    assert refused.value.field == f"metadata.annotations[{LIMITS}]"


@pytest.mark.parametrize(
    ("disk", "direct", "cache"),
    [
        ({}, True, "on"),
        ({}, False, "off"),
        ({"cache": "none"}, True, "on"),
        ({"cache": "writeback"}, False, "on"),
        ({"cache": "writethrough"}, False, "off"),
        ({"shareable": True}, False, "on"),
    ],
)
def test_the_write_cache_follows_the_cache_mode(
    disk: dict[str, Any], direct: bool, cache: str, build: Build
) -> None:
    disks = [{"name": "root", "disk": {"bus": "virtio"}} | disk]
    built = build(devices={"disks": disks}, volume={"direct": direct})
    assert device(built, "disk-root")["write-cache"] == cache
    node = json.loads(value(built, "-blockdev", 1))
    assert node["cache"] == {"direct": direct, "no-flush": False}


@pytest.mark.parametrize("facts", [{"iso": True}, {"preallocated": True}, {"readonly": True}])
def test_some_disks_do_not_discard(facts: dict[str, bool], build: Build) -> None:
    disks = [{"name": "root", "disk": {"bus": "virtio"}}]
    built = build(devices={"disks": disks}, volume=facts)
    assert "discard" not in json.loads(value(built, "-blockdev", 1))


def test_a_sata_hard_disk_cannot_be_read_only(build: Build) -> None:
    with pytest.raises(Refused, match="cannot be read-only") as refused:
        build(devices={"disks": [{"name": "d"}]}, volume={"readonly": True})
    assert refused.value.field == "spec.domain.devices.disks[0]"


def test_targets_are_lettered_as_kubevirt_does(build: Build) -> None:
    buses = ["virtio", "sata", "scsi", "virtio", "usb", *["scsi"] * 24]
    disks = [{"name": f"d{i}", "disk": {"bus": bus}} for i, bus in enumerate(buses)]
    targets = [one.target for one in build(devices={"disks": disks}).disks]
    assert targets[:5] == ["vda", "sda", "sdb", "vdb", "sdc"]
    assert targets[-2:] == ["sdz", "sdaa"]


def test_disks_boot_in_their_order_unless_the_user_numbers_them(build: Build) -> None:
    disks: list[dict[str, Any]] = [
        {"name": "a", "disk": {"bus": "virtio"}},
        {"name": "b", "cdrom": {"bus": "sata"}},
    ]
    built = build(devices={"disks": disks})
    assert [device(built, f"disk-{name}").get("bootindex") for name in "ab"] == [1, 2]
    disks[1]["bootOrder"] = 5
    built = build(devices={"disks": disks})
    assert [device(built, f"disk-{name}").get("bootindex") for name in "ab"] == [None, 5]


def test_a_disk_without_a_volume_is_refused(make: Make) -> None:
    vmi = {
        "metadata": {"name": "vm"},
        "spec": {
            "domain": {
                "memory": {"guest": "64Mi"},
                "devices": {"disks": [{"name": "d", "disk": {"bus": "virtio"}}]},
            }
        },
    }
    with pytest.raises(Refused, match="'d' has no volume") as refused:
        plan(*make({"vmi": vmi}))
    assert refused.value.field == "spec.domain.devices.disks[0].name"


def test_an_interface_that_nothing_connects_is_refused(build: Build) -> None:
    with pytest.raises(Refused, match="nothing connects the interface 'lan'"):
        build(devices={"interfaces": [{"name": "lan", "bridge": {}}]})


def test_descriptors_have_the_numbers_of_the_command_line(build: Build) -> None:
    disks = [{"name": "b", "disk": {"bus": "virtio"}}, {"name": "a", "disk": {"bus": "virtio"}}]
    built = build(devices={"disks": disks})
    assert {one.name: one.number for one in built.descriptors} == {
        "monitor": 100,
        "debug-monitor": 101,
        "serial0": 102,
        "agent": 103,
        "b/ro": 110,
        "b/rw": 111,
        "a/ro": 112,
        "a/rw": 113,
    }


def test_long_names_make_node_names_that_qemu_takes(build: Build) -> None:
    names = ["x" * 62 + "1", "x" * 62 + "2"]
    built = build(devices={"disks": [{"name": n, "disk": {"bus": "scsi"}} for n in names]})
    nodes = [one.node for one in built.disks]
    assert len(set(nodes)) == 2
    assert all(len(node) <= 31 for node in nodes)
