"""What is installed, for tests: which pod is which."""

from __future__ import annotations

import json

from tests.e2e.kube import Kube

NAMESPACE = "kubevirt"


def components(kube: Kube, name: str) -> list[str]:
    """Names of the running pods of virt-controller or virt-handler."""
    pods = kube.objects(NAMESPACE, "pods", f"kubevirt.io={name}")
    return [pod["metadata"]["name"] for pod in pods if "deletionTimestamp" not in pod["metadata"]]


def handler_on(kube: Kube, node: str) -> str:
    """The virt-handler pod of a node."""
    pods = kube.objects(NAMESPACE, "pods", "kubevirt.io=virt-handler")
    return next(str(pod["metadata"]["name"]) for pod in pods if pod["spec"]["nodeName"] == node)


def leader(kube: Kube) -> str:
    """The virt-controller pod that leads."""
    words = ("-n", NAMESPACE, "get", "lease", "virt-controller", "-o", "json")
    return str(json.loads(kube.run(*words))["spec"]["holderIdentity"])
