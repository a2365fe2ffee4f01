"""A cluster as a user has it, for tests: kubectl and the Python client."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LIMIT = 120.0


@dataclass(frozen=True, kw_only=True)
class Kube:
    """A cluster as a user has it: a kubeconfig, kubectl, and the Python client."""

    kubeconfig: Path
    kubectl: Path
    core: Any
    busybox: str

    def run(self, *words: str, text: str | None = None) -> str:
        """What kubectl prints; AssertionError with what it complains of."""
        command = [str(self.kubectl), f"--kubeconfig={self.kubeconfig}", *words]
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=LIMIT)
        assert done.returncode == 0, f"kubectl {' '.join(words)}: {done.stderr}"
        return done.stdout + done.stderr

    def apply(self, namespace: str, *objects: dict[str, Any]) -> None:
        """Applies objects into a namespace."""
        document = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        self.run("-n", namespace, "apply", "-f", "-", text=document)

    def await_ready(self, namespace: str, *pods: str) -> None:
        """Waits until pods are Ready."""
        names = [f"pod/{pod}" for pod in pods]
        self.run("-n", namespace, "wait", "--for=condition=Ready", "--timeout=90s", *names)


def eventually(question: Callable[[], bool], limit: float = LIMIT) -> None:
    """Waits until the answer is yes; AssertionError at the limit."""
    end = time.monotonic() + limit
    while not question():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.2)
