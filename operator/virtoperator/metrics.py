"""Prometheus metrics that both operators have: their work queues, under KubeVirt's names."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_LABELS = ["name"]


class QueueMetrics:
    """Counts what work queues do (workqueue.Watched)."""

    def __init__(self, registry: CollectorRegistry) -> None:
        prefix = "kubevirt_workqueue_"
        self._depth = Gauge(f"{prefix}depth", "Keys that wait", _LABELS, registry=registry)
        self._adds = Counter(f"{prefix}adds", "Keys added", _LABELS, registry=registry)
        self._retries = Counter(f"{prefix}retries", "Failed works", _LABELS, registry=registry)
        self._work = Histogram(
            f"{prefix}work_duration_seconds", "Time to work on a key", _LABELS, registry=registry
        )

    def added(self, queue: str, depth: int) -> None:
        """A key was added; so many wait."""
        self._adds.labels(queue).inc()
        self._depth.labels(queue).set(depth)

    def worked(self, queue: str, depth: int, seconds: float, failed: bool) -> None:
        """A key was worked on; so many wait."""
        self._depth.labels(queue).set(depth)
        self._work.labels(queue).observe(seconds)
        if failed:
            self._retries.labels(queue).inc()
