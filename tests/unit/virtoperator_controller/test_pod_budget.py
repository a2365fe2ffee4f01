"""What a launcher's pod asks for."""

from __future__ import annotations

from typing import Any

import pytest

from virtcrds import VirtualMachineInstance, default
from virtoperator.controller.pod import Quota, overhead, pod_name, quota_of
from virtoperator.controller.pod.naming import host_name, vmi_id
from virtoperator.controller.pod.quota import RATIO_LABEL
from virtoperator.controller.pod.resources import compute_resources
from virtoperator.settings import Settings

MIB = 1 << 20


def vmi(domain: dict[str, Any], **spec: Any) -> VirtualMachineInstance:
    document = {
        "metadata": {"name": "one", "namespace": "default"},
        "spec": {"domain": {"devices": {}, **domain}, **spec},
    }
    return default(VirtualMachineInstance.from_json(document))


@pytest.mark.parametrize(
    ("domain", "emulated", "mib"),
    [
        ({"memory": {"guest": "128Mi"}}, False, 80 + 3 + 0.25 + 16),
        ({"memory": {"guest": "128Mi"}}, True, 80 + 3 + 0.25 + 16 + 32 + 16),
        ({"memory": {"guest": "1Gi"}}, True, 80 + 3 + 2 + 16 + 128 + 16),
        ({"memory": {"guest": "64Gi"}}, True, 80 + 3 + 128 + 16 + 256 + 16),
        ({"memory": {"guest": "128Mi"}, "cpu": {"cores": 4}}, False, 80 + 12 + 0.25 + 16),
        (
            {"memory": {"guest": "128Mi"}, "devices": {"autoattachGraphicsDevice": False}},
            False,
            80 + 3 + 0.25,
        ),
        (
            {"memory": {"guest": "128Mi"}, "devices": {"tpm": {}}, "ioThreadsPolicy": "shared"},
            False,
            80 + 3 + 0.25 + 16 + 24 + 8,
        ),
        (
            {"memory": {"guest": "128Mi"}, "devices": {"disks": [{"name": "a"}, {"name": "b"}]}},
            False,
            80 + 3 + 0.25 + 16 + 8,
        ),
        (
            {"memory": {"guest": "128Mi", "reservedOverhead": {"addedOverhead": "10Mi"}}},
            False,
            80 + 3 + 0.25 + 16 + 10,
        ),
    ],
)
def test_the_overhead_is_the_sum_of_its_items(
    domain: dict[str, Any], emulated: bool, mib: float
) -> None:
    assert overhead(vmi(domain), emulated=emulated) == mib * MIB


def test_the_ratio_multiplies_the_overhead() -> None:
    one = vmi({"memory": {"guest": "512Mi"}})
    assert overhead(one, emulated=False, ratio=1.5) == 1.5 * overhead(one, emulated=False)


_128 = {"memory": {"guest": "128Mi"}}


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        (_128, {"requests": {"cpu": "100m", "memory": "227.25Mi"}}),
        ({**_128, "cpu": {"cores": 20}}, {"requests": {"cpu": "2", "memory": "284.25Mi"}}),
        (
            {"resources": {"requests": {"memory": "128Mi", "cpu": "250m"}}},
            {"requests": {"cpu": "250m", "memory": "227.25Mi"}},
        ),
        (
            {"resources": {"requests": {"memory": "128Mi"}, "limits": {"memory": "256Mi"}}},
            {
                "requests": {"cpu": "100m", "memory": "227.25Mi"},
                "limits": {"memory": "355.25Mi"},
            },
        ),
        (
            {"resources": {"requests": {"memory": "128Mi"}, "overcommitGuestOverhead": True}},
            {"requests": {"cpu": "100m", "memory": "128Mi"}},
        ),
        (
            {"memory": {"guest": "128Mi", "hugepages": {"pageSize": "2Mi"}}},
            {
                "requests": {"cpu": "100m", "memory": "99.25Mi", "hugepages-2Mi": "128Mi"},
                "limits": {"hugepages-2Mi": "128Mi"},
            },
        ),
        (
            {"resources": {"requests": {"memory": "128Mi", "ephemeral-storage": "1G"}}},
            {
                "requests": {
                    "cpu": "100m",
                    "memory": "227.25Mi",
                    "ephemeral-storage": str(1_050_000_000),
                }
            },
        ),
    ],
)
def test_resources_follow_the_user_and_add_the_overhead(
    domain: dict[str, Any], expected: dict[str, dict[str, str]]
) -> None:
    amounts = compute_resources(vmi({"devices": {}, **domain}), Settings())
    expected["requests"].setdefault("ephemeral-storage", "50M")
    assert _in_mib(amounts) == _in_mib(expected)


def _in_mib(amounts: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    """Written as they are read: the overhead of a small guest is no whole number of MiB."""
    return {
        kind: {
            name: f"{int(text[:-2]) / 1024}Mi" if text.endswith("Ki") else text
            for name, text in values.items()
        }
        for kind, values in amounts.items()
    }


def test_an_overcommitted_cluster_asks_for_less_than_the_guest_sees() -> None:
    amounts = compute_resources(vmi({"memory": {"guest": "1Gi"}}), Settings(memory_overcommit=200))
    assert amounts["requests"]["memory"] == f"{512 + 80 + 3 + 2 + 16}Mi"


def test_a_pod_has_one_name_for_each_vmi_and_attempt() -> None:
    names = {pod_name("a", "u1"), pod_name("a", "u2"), pod_name("a", "u1", "m1")}
    assert len(names) == 3
    assert pod_name("a", "u1") == pod_name("a", "u1")
    assert len(pod_name("x" * 253, "u1")) == 253


@pytest.mark.parametrize(
    ("name", "hostname", "expected"),
    [
        ("web", "", "web"),
        ("web.example.com", "", "web"),
        ("web", "Other_Host", "otherhost"),
        ("a" * 70, "", "a" * 63),
    ],
)
def test_the_host_name_is_a_dns_label(name: str, hostname: str, expected: str) -> None:
    document = {
        "metadata": {"name": name},
        "spec": {"hostname": hostname, "domain": {"devices": {}}},
    }
    assert host_name(VirtualMachineInstance.from_json(document)) == expected


def test_a_long_name_keeps_apart_in_its_label() -> None:
    one, other = vmi_id("x" * 80 + "a"), vmi_id("x" * 80 + "b")
    assert one != other
    assert max(len(one), len(other)) <= 63


@pytest.mark.parametrize(
    ("quota", "limits"),
    [
        (Quota(), {}),
        (Quota(memory=True), {"memory": f"{2 * 227.25}Mi"}),
        (Quota(memory=True, memory_ratio=1.0), {"memory": "227.25Mi"}),
        (Quota(cpu=True), {"cpu": "4"}),
    ],
)
def test_a_quota_makes_the_pod_carry_limits(quota: Quota, limits: dict[str, str]) -> None:
    # The overhead of three more virtual CPUs is taken out, for numbers that can be read.
    one = vmi({**_128, "cpu": {"cores": 4}})
    amounts = compute_resources(one, Settings(cpu_allocation_ratio=10), quota)
    found = _in_mib({"limits": amounts.get("limits", {})})["limits"]
    if "memory" in found:
        found["memory"] = f"{float(found['memory'][:-2]) - 9 * quota.memory_ratio}Mi"
    assert found == limits


@pytest.mark.parametrize(
    ("hard", "labels", "expected"),
    [
        ([], {}, Quota()),
        ([{"limits.memory": "1Gi"}], {}, Quota(memory=True)),
        ([{"pods": "3"}, {"limits.cpu": "4"}], {}, Quota(cpu=True)),
        ([], {RATIO_LABEL: "1.5"}, Quota(memory_ratio=1.5)),
        ([], {RATIO_LABEL: "0.5"}, Quota()),
        ([], {RATIO_LABEL: "much"}, Quota()),
    ],
)
def test_what_a_namespace_asks_for(
    hard: list[dict[str, str]], labels: dict[str, str], expected: Quota
) -> None:
    assert quota_of([{"spec": {"hard": one}} for one in hard], labels) == expected
