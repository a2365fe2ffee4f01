"""VMs for tests: made of a few words, and asked what tests want to know."""

from __future__ import annotations

import re
from typing import Any

from tests.e2e.kube import Kube, Object, Refused, eventually

READY = "kubemu-guest: ready"
_TICK = re.compile(r"kubemu-guest: tick (\d+)")


def tiny(user_data: str = "", *, grace: int = 30, **spec: Any) -> Object:
    """Spec of a VMI with the tiny guest on the pod network."""
    disks = [{"name": "root", "disk": {"bus": "virtio"}}]
    # Always: the tag is that of whatever tree was built last.
    image = {"image": "registry:5000/kubemu/tiny:devel", "imagePullPolicy": "Always"}
    volumes: list[Object] = [{"name": "root", "containerDisk": image}]
    if user_data:
        disks.append({"name": "seed", "disk": {"bus": "virtio"}})
        script = f"#!/bin/sh\n{user_data}\n"
        volumes.append({"name": "seed", "cloudInitNoCloud": {"userData": script}})
    interfaces = [{"name": "default", "masquerade": {}, "ports": [{"port": 80}]}]
    return {
        "terminationGracePeriodSeconds": grace,
        "domain": {
            "memory": {"guest": "128Mi"},
            "devices": {"disks": disks, "interfaces": interfaces},
        },
        "networks": [{"name": "default", "pod": {}}],
        "volumes": volumes,
        **spec,
    }


def vmi(name: str, spec: Object) -> Object:
    """A VirtualMachineInstance."""
    return {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstance",
        "metadata": {"name": name},
        "spec": spec,
    }


def vm(name: str, spec: Object, strategy: str = "Always") -> Object:
    """A VirtualMachine."""
    template = {"metadata": {"labels": {"kubevirt.io/vm": name}}, "spec": spec}
    return {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachine",
        "metadata": {"name": name},
        "spec": {"runStrategy": strategy, "template": template},
    }


class Machines:
    """The VMs of one namespace."""

    def __init__(self, kube: Kube, namespace: str) -> None:
        self.kube = kube
        self.namespace = namespace

    def apply(self, *objects: Object) -> None:
        """Create or change."""
        self.kube.apply(self.namespace, *objects)

    def vmi(self, name: str) -> Object:
        """The VMI as it is; Refused when there is none."""
        return self.kube.get(self.namespace, "vmi", name)

    def vm(self, name: str) -> Object:
        """The VM as it is."""
        return self.kube.get(self.namespace, "vm", name)

    def status(self, name: str) -> str:
        """The VM's printableStatus."""
        return str(self.vm(name).get("status", {}).get("printableStatus", ""))

    def phase(self, name: str) -> str:
        """The VMI's phase; '' when there is none."""
        try:
            return str(self.vmi(name).get("status", {}).get("phase", ""))
        except Refused:
            return ""

    def uid(self, name: str) -> str:
        """The VMI's uid; '' when there is none."""
        try:
            return str(self.vmi(name)["metadata"]["uid"])
        except Refused:
            return ""

    def await_phase(self, name: str, phase: str) -> None:
        """Wait for a phase of a VMI."""
        self.kube.wait(self.namespace, "vmi", name, ".status.phase", phase)

    def await_status(self, name: str, status: str) -> None:
        """Wait for a printableStatus of a VM."""
        self.kube.wait(self.namespace, "vm", name, ".status.printableStatus", status)

    def pods(self, name: str) -> list[Object]:
        """The launcher pods of a VMI's current uid, those that end included."""
        selector = f"kubevirt.io/created-by={self.uid(name)}"
        return self.kube.objects(self.namespace, "pods", selector)

    def pod(self, name: str) -> str:
        """The name of the one launcher pod."""
        [pod] = self.pods(name)
        return str(pod["metadata"]["name"])

    def execute(self, name: str, *argv: str) -> str:
        """What a command in the launcher's container prints."""
        pod = self.pod(name)
        return self.kube.execute(self.namespace, pod, *argv, container="compute")

    def console(self, name: str) -> str:
        """What the guest wrote on its serial console, by the pod's log; '' without a pod."""
        pods = self.pods(name)
        if not pods:
            return ""
        pod = pods[0]["metadata"]["name"]
        try:
            return self.kube.logs(self.namespace, pod, "guest-console-log")
        except Refused:
            return ""

    def await_console(self, name: str, text: str) -> None:
        """Wait until the guest has written something."""
        eventually(lambda: text in self.console(name))

    def ticks(self, name: str) -> list[int]:
        """The numbers that a guest counted on its console (`kubemu-tick` in its user-data)."""
        return [int(number) for number in _TICK.findall(self.console(name))]

    def describe(self, kind: str, name: str) -> str:
        """What a user sees first when something is wrong."""
        return self.kube.run("-n", self.namespace, "describe", kind, name)
