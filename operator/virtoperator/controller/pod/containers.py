"""The containers: `compute` with launcher and QEMU, and the guest's console as a log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from virtcrds import VirtualMachineInstance

from ... import names
from ...podvolumes import PodVolume
from ...settings import Settings
from .probes import probes
from .quota import Quota
from .resources import compute_resources, wants_guarantee

SECURITY: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsGroup": names.UID,
    "runAsNonRoot": True,
    "runAsUser": names.UID,
}
"""What Pod Security `restricted` asks of a container, and more."""
PRIVATE, DISKS, SCRATCH = "private", "ephemeral-disks", "tmp"
OWN_MOUNTS = (
    {"name": PRIVATE, "mountPath": names.RUN_DIR},
    {"name": names.SOCKETS_VOLUME, "mountPath": names.SOCKETS_DIR},
    {"name": DISKS, "mountPath": names.DISK_DIR},
    {"name": SCRATCH, "mountPath": "/tmp"},
)
_LOG_REQUESTS = {"cpu": "5m", "memory": "35M"}
_LOG_LIMITS = {"cpu": "500m", "memory": "60M"}
"""KubeVirt's are 15m: the runtime's own start, some 25 ms of CPU inside that limit, takes 1.6 s."""
_LOG_GUARANTEED = {"cpu": "100m", "memory": "60M"}
Json = dict[str, Any]


def compute(
    vmi: VirtualMachineInstance, settings: Settings, volumes: Sequence[PodVolume], quota: Quota
) -> Json:
    """The container that is the virtual machine. Raises Unsupported."""
    mounts = [volume.mount for volume in volumes if not volume.block]
    devices = [volume.mount for volume in volumes if volume.block]
    container: Json = {
        "name": names.COMPUTE,
        "image": settings.launcher_image,
        "imagePullPolicy": settings.image_pull_policy,
        "command": [
            "virt-launcher",
            "--run-dir",
            names.RUN_DIR,
            "--socket",
            f"{names.SOCKETS_DIR}/{names.SOCKET}",
            "--disk-dir",
            names.DISK_DIR,
            "--log-format",
            "json",
        ],
        "resources": compute_resources(vmi, settings, quota),
        "securityContext": SECURITY,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [*OWN_MOUNTS, *mounts],
        **probes(vmi),
    }
    if devices:
        container["volumeDevices"] = devices
    if ports := _ports(vmi):
        container["ports"] = ports
    return container


def _ports(vmi: VirtualMachineInstance) -> list[Json]:
    ports = []
    for interface in vmi.spec.domain.devices.interfaces:
        for port in interface.ports:
            named = {"name": port.name} if port.name else {}
            protocol = port.protocol or "TCP"
            ports.append({**named, "containerPort": port.port, "protocol": protocol})
    return ports


def console_log(vmi: VirtualMachineInstance, settings: Settings) -> list[Json]:
    """The sidecar whose log is the guest's console, unless nobody wants it."""
    devices = vmi.spec.domain.devices
    wanted = devices.log_serial_console
    if devices.autoattach_serial_console is False or not (
        settings.serial_console_log if wanted is None else wanted
    ):
        return []
    resources = {"limits": _LOG_LIMITS, "requests": _LOG_REQUESTS}
    if wants_guarantee(vmi.spec):
        resources = {"limits": _LOG_GUARANTEED, "requests": _LOG_GUARANTEED}
    return [
        {
            "name": names.CONSOLE_LOG,
            "image": settings.launcher_image,
            "imagePullPolicy": settings.image_pull_policy,
            "command": ["guest-console-log", "--run-dir", names.RUN_DIR],
            "resources": resources,
            "restartPolicy": "Always",
            "securityContext": SECURITY,
            "volumeMounts": [{"name": PRIVATE, "mountPath": names.RUN_DIR, "readOnly": True}],
        }
    ]
