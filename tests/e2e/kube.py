"""A cluster as a user has it, for tests: kubectl and the Python client."""

from __future__ import annotations

import datetime
import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kubernetes.client
import kubernetes.config

from kubemucluster import audit, images, programs

LIMIT = 120.0
Object = dict[str, Any]


class Refused(AssertionError):
    """kubectl failed; the message is what it complains of."""


@dataclass(frozen=True, kw_only=True)
class Kube:
    """A cluster as a user has it: a kubeconfig, kubectl, and the Python client.

    KIND is what kubectl takes: `pod`, `vmi`, `virtualmachines`. A method that takes a namespace
    takes "" for objects that have none.
    """

    kubeconfig: Path
    kubectl: Path
    core: Any
    busybox: str
    audit_log: Path | None
    """None where the cluster is not ours."""

    @classmethod
    def of(cls, kubeconfig: Path, audit_log: Path | None = None) -> Kube:
        """The cluster of a kubeconfig; it has the cluster tooling's images."""
        built = programs.built(print)
        client = kubernetes.config.new_client_from_config(str(kubeconfig))  # type: ignore[no-untyped-call]
        return cls(
            kubeconfig=kubeconfig,
            kubectl=built["kubectl"],
            core=kubernetes.client.CoreV1Api(client),
            busybox=images.own_images(built)["busybox"].reference,
            audit_log=audit_log,
        )

    def command(self, *words: str) -> list[str]:
        """The words of a kubectl command, for tests that start it themselves."""
        return [str(self.kubectl), f"--kubeconfig={self.kubeconfig}", *words]

    def run(self, *words: str, text: str | None = None, limit: float = LIMIT) -> str:
        """What kubectl prints, warnings last; Refused with what it complains of."""
        done = subprocess.run(
            self.command(*words), input=text, capture_output=True, text=True, timeout=limit
        )
        if done.returncode:
            raise Refused(f"kubectl {' '.join(words)}: {done.stderr}")
        return done.stdout + done.stderr

    def apply(self, namespace: str, *objects: Object) -> str:
        """Applies objects into a namespace; returns what kubectl says."""
        document = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        return self.run(*_in(namespace), "apply", "-f", "-", text=document)

    def apply_file(self, path: Path, namespace: str = "") -> str:
        """Applies a manifest, or a folder of them; returns what kubectl says."""
        return self.run(*_in(namespace), "apply", "-f", str(path))

    def get(self, namespace: str, kind: str, name: str) -> Object:
        """The object as the API server has it; Refused when there is none."""
        found: Object = json.loads(self.run(*_in(namespace), "get", kind, name, "-o", "json"))
        return found

    def objects(self, namespace: str, kind: str, selector: str = "") -> list[Object]:
        """The objects of a kind, those that the label selector chooses."""
        words = (*_in(namespace), "get", kind, f"--selector={selector}", "-o", "json")
        found: list[Object] = json.loads(self.run(*words))["items"]
        return found

    def patch(
        self, namespace: str, kind: str, name: str, change: Object, subresource: str = ""
    ) -> None:
        """Merges a change into an object (JSON merge patch)."""
        words = ["patch", kind, name, "--type=merge", "-p", json.dumps(change)]
        words += [f"--subresource={subresource}"] if subresource else []
        self.run(*_in(namespace), *words)

    def delete(self, namespace: str, kind: str, name: str, *, wait: bool = True) -> None:
        """Deletes an object and waits until it is gone; Refused when there is none."""
        self.run(*_in(namespace), "delete", kind, name, f"--wait={json.dumps(wait)}")

    def wait(
        self, namespace: str, kind: str, name: str, path: str, value: str, limit: float = LIMIT
    ) -> None:
        """Waits until an object is there and has a value at a JSONPath.

        `kube.wait(ns, "vmi", "a", ".status.phase", "Running")`; a condition's path is
        `.status.conditions[?(@.type=="Ready")].status`. Refused at the limit, with what was there.
        """
        words = (*_in(namespace), "wait", kind, name, f"--timeout={limit:.0f}s")
        try:
            self.run(*words, "--for=create", limit=limit + 10)
            self.run(*words, f"--for=jsonpath={{{path}}}={value}", limit=limit + 10)
        except Refused as error:
            there = self.run(*_in(namespace), "get", kind, name, "--ignore-not-found", "-o", "yaml")
            raise Refused(f"{error}{there or 'It does not exist.'}") from None

    def await_ready(self, namespace: str, *pods: str) -> None:
        """Waits until pods are Ready."""
        names = [f"pod/{pod}" for pod in pods]
        self.run("-n", namespace, "wait", "--for=condition=Ready", "--timeout=90s", *names)

    def logs(self, namespace: str, pod: str, container: str = "", *, previous: bool = False) -> str:
        """A container's log; of its run before the last restart, if asked."""
        words = [*_in(namespace), "logs", pod, f"--previous={json.dumps(previous)}"]
        return self.run(*words, *([f"--container={container}"] if container else []))

    def await_log(self, namespace: str, pod: str, text: str, container: str = "") -> str:
        """A container's log, once this is in it."""
        eventually(lambda: text in self.logs(namespace, pod, container))
        return self.logs(namespace, pod, container)

    def execute(self, namespace: str, pod: str, *argv: str, container: str = "") -> str:
        """What a command in a container prints; Refused when it fails."""
        words = [*_in(namespace), "exec", pod, *([f"--container={container}"] if container else [])]
        return self.run(*words, "--", *argv)

    def writes(self, since: datetime.datetime, user_prefix: str = "") -> list[audit.Write]:
        """What users whose name starts so wrote to the API since; see kubemucluster.audit."""
        assert self.audit_log, "only the local cluster's audit log can be read"
        return audit.writes(self.audit_log, since, user_prefix)


def eventually(question: Callable[[], bool], limit: float = LIMIT) -> None:
    """Waits until the answer is yes; AssertionError at the limit."""
    end = time.monotonic() + limit
    while not question():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.2)


def _in(namespace: str) -> tuple[str, ...]:
    return ("-n", namespace) if namespace else ()
