"""What is left of a failed test: what one would ask the cluster first, in that order."""

from __future__ import annotations

import subprocess

from tests.e2e.kube import LIMIT, Kube

OPERATOR = "kubevirt"
"""The namespace of the controller, the handlers and the API."""
_LINES = 200
_KINDS = ("vm", "vmi", "pods", "services", "persistentvolumeclaims")
_EVENTS = "custom-columns=T:.lastTimestamp,O:.involvedObject.name,R:.reason,N:.count,M:.message"
_CONDITIONS = (
    "jsonpath={range .items[*]}{.metadata.name}{range .status.conditions[*]}"
    "{' '}{.type}={.status}{end}{'\\n'}{end}"
)


def gathered(kube: Kube, namespace: str) -> str:
    """Events, objects, pods' logs of now and before, nodes, and what the operator's pods say."""
    parts = [
        _asked(kube, "-n", namespace, "get", "events", "--sort-by=.lastTimestamp", "-o", _EVENTS),
        *(_asked(kube, "-n", namespace, "get", kind, "-o", "yaml") for kind in _KINDS),
        *_logs(kube, namespace),
        _asked(kube, "get", "nodes", "-o", _CONDITIONS),
        _asked(kube, "get", "pods", "--all-namespaces", "-o", "wide"),
    ]
    return "\n".join([*parts, *_logs(kube, OPERATOR)])


def _logs(kube: Kube, namespace: str) -> list[str]:
    """Every container's log: a launcher's are `compute` and `guest-console-log`."""
    parts = []
    for pod in kube.core.list_namespaced_pod(namespace).items:
        ask = ("-n", namespace, "logs", pod.metadata.name, "--all-containers", "--prefix")
        parts.append(_asked(kube, *ask, f"--tail={_LINES}"))
        for status in pod.status.container_statuses or []:
            if status.restart_count:
                before = ("-n", namespace, "logs", "--previous", f"--tail={_LINES}")
                parts.append(_asked(kube, *before, pod.metadata.name, f"-c{status.name}"))
    return parts


def _asked(kube: Kube, *words: str) -> str:
    """What kubectl says, be it that it failed: other evidence may still be there."""
    done = subprocess.run(kube.command(*words), capture_output=True, text=True, timeout=LIMIT)
    return f"--- kubectl {' '.join(words)}\n{done.stdout}{done.stderr}"
