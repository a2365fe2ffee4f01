"""`kubevirt_vmi_*` out of a launcher's statistics."""

from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric

from virtoperator.handler import metrics
from virtoperator.handler.metrics import Sample

STATS: dict[str, Any] = {
    "cpu": {"seconds": 1.5, "vcpus": [0.5, None]},
    "memory": {"rss": 100, "pss": 90},
    "balloon": {"actual": 64, "stat-free-memory": 32},
    "blocks": {"root": {"rd_bytes": 10, "rd_total_time_ns": 2_000_000_000}},
    "nics": {"default": {"rx_bytes": 3, "tx_bytes": 4}, "gone": None},
}


def test_samples_have_kubevirts_names_labels_and_units() -> None:
    nic = {"interface": "default"}
    assert metrics.samples_of(STATS) == [
        Sample(name="cpu_usage_seconds_total", value=1.5),
        Sample(name="vcpu_seconds_total", value=0.5, labels={"id": "0", "state": "running"}),
        Sample(name="memory_resident_bytes", value=100),
        Sample(name="memory_actual_balloon_bytes", value=64),
        Sample(name="memory_unused_bytes", value=32),
        Sample(name="storage_read_traffic_bytes_total", value=10, labels={"drive": "root"}),
        Sample(name="storage_read_times_seconds_total", value=2.0, labels={"drive": "root"}),
        Sample(name="network_receive_bytes_total", value=3, labels=nic),
        Sample(name="network_transmit_bytes_total", value=4, labels=nic),
        Sample(name="network_traffic_bytes_total", value=3, labels={**nic, "type": "rx"}),
        Sample(name="network_traffic_bytes_total", value=4, labels={**nic, "type": "tx"}),
    ]


def test_nonsense_has_no_samples() -> None:
    wrong: dict[str, Any] = {
        "cpu": 7,
        "memory": {"rss": "much"},
        "balloon": None,
        "blocks": {"root": 1},
        "nics": [],
    }
    assert metrics.samples_of(wrong) == []


class _Fixed:
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        return self._families


def test_each_vm_has_its_own_labels_in_the_text() -> None:
    resident = Sample(name="memory_resident_bytes", value=2)
    families = metrics.families(
        [
            ({"name": "a"}, [Sample(name="cpu_usage_seconds_total", value=1)]),
            (
                {"name": "b", "kubernetes_vmi_label_x": "y"},
                [resident],
            ),
            ({"name": "b"}, [Sample(name="cpu_usage_seconds_total", value=3)]),
        ]
    )
    registry = CollectorRegistry()
    registry.register(_Fixed(families))
    lines = generate_latest(registry).decode().splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        'kubevirt_vmi_cpu_usage_seconds_total{name="a"} 1.0',
        'kubevirt_vmi_cpu_usage_seconds_total{name="b"} 3.0',
        'kubevirt_vmi_memory_resident_bytes{kubernetes_vmi_label_x="y",name="b"} 2.0',
    ]
    assert "# TYPE kubevirt_vmi_cpu_usage_seconds_total counter" in lines
