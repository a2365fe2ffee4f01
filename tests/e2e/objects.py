"""The objects that tests of the cluster are made of."""

from __future__ import annotations

from typing import Any

from tests.e2e.kube import Kube, Object

FOREVER = "exec sleep 3600"


def a_pod(kube: Kube, name: str, script: str, node: str = "", **spec: Any) -> Object:
    """A pod that runs a shell script; `container` adds to its container, the rest to its spec."""
    container = {"name": "main", "image": kube.busybox, "command": ["/bin/sh", "-c", script]}
    container |= spec.pop("container", {})
    placed = {"nodeSelector": {"kubernetes.io/hostname": node}} if node else {}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"terminationGracePeriodSeconds": 0, "containers": [container], **placed, **spec},
    }


def a_user_of(kube: Kube, claims: dict[str, str], name: str, script: str, node: str = "") -> Object:
    """A pod that has claims by name: mounted at a folder, or a device where that is below /dev."""
    devices = {claim: path for claim, path in claims.items() if path.startswith("/dev/")}
    folders = {claim: path for claim, path in claims.items() if claim not in devices}
    return a_pod(
        kube,
        name,
        script,
        node,
        container={
            "volumeDevices": [{"name": c, "devicePath": p} for c, p in devices.items()],
            "volumeMounts": [{"name": c, "mountPath": p} for c, p in folders.items()],
        },
        volumes=[{"name": c, "persistentVolumeClaim": {"claimName": c}} for c in claims],
    )


def a_server(kube: Kube, name: str, node: str) -> Object:
    """A pod that says hello over HTTP, on all its addresses."""
    script = f"echo hello from {name} >/tmp/index.html; exec httpd -f -p 8080 -h /tmp"
    return a_pod(kube, name, script, node)


def a_claim(name: str, **spec: Any) -> Object:
    """A claim of 16 MiB of the default class."""
    size = {"requests": {"storage": "16Mi"}}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": size, **spec},
    }


def a_service(name: str, app: str, **spec: Any) -> Object:
    """A Service in front of the pods with this label, port 80 to their 8080."""
    ports = [{"port": 80, "targetPort": 8080}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": app}, "ports": ports, **spec},
    }
