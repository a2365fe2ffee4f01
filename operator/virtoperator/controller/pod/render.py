"""From a VMI to its launcher's pod: KubeVirt's outside, our own inside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from virtcrds import VirtualMachineInstance

from ... import names
from ...podvolumes import Claim, pod_volumes
from ...settings import Settings
from .containers import DISKS, PRIVATE, SCRATCH, compute, console_log
from .metadata import metadata
from .naming import host_name
from .placement import placement
from .quota import Quota
from .resources import memory_overhead
from .support import check

_GRACE = 30
"""Seconds that a guest has to power off, when its VM does not say."""
_MARGIN = 30
"""Seconds beyond the guest's own, in which the launcher turns it off and ends."""
_OWN_VOLUMES = (
    {"name": PRIVATE, "emptyDir": {"medium": "Memory"}},
    {"name": names.SOCKETS_VOLUME, "emptyDir": {}},
    {"name": DISKS, "emptyDir": {}},
    {"name": SCRATCH, "emptyDir": {}},
)
_SECURITY = {
    "fsGroup": names.UID,
    # A claim with many files is not walked through at each start.
    "fsGroupChangePolicy": "OnRootMismatch",
    "runAsGroup": names.UID,
    "runAsNonRoot": True,
    "runAsUser": names.UID,
    "seccompProfile": {"type": "RuntimeDefault"},
}
_NO_QUOTA = Quota()
Json = dict[str, Any]


def render(
    vmi: Json,
    settings: Settings,
    claims: Mapping[str, Claim],
    *,
    quota: Quota = _NO_QUOTA,
    attempt: str = "",
) -> Json:
    """The pod of this (valid, defaulted) VMI; it passes Pod Security `restricted`.

    `claims`: what is known of the PersistentVolumeClaims that the VMI names. `quota`: limits that
    the namespace asks for. `attempt` names a
    further pod of the same VMI. Raises InvalidObject (no VMI) and Unsupported (one that we cannot
    run).
    """
    model = VirtualMachineInstance.from_json(vmi)
    check(model)
    volumes = pod_volumes(vmi, claims)
    extra = memory_overhead(model, settings)
    spec: Json = {
        "automountServiceAccountToken": False,
        "containers": [compute(model, settings, volumes, quota)],
        "enableServiceLinks": False,
        "hostname": host_name(model),
        "readinessGates": [{"conditionType": names.UNPAUSED_GATE}],
        "restartPolicy": "Never",
        "securityContext": _SECURITY,
        "terminationGracePeriodSeconds": grace_seconds(model) + _MARGIN,
        "volumes": [*_OWN_VOLUMES, *(volume.volume for volume in volumes)],
        **placement(model, settings),
        **_optional(model, settings),
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata(model, extra, attempt),
        "spec": spec,
    }


def grace_seconds(vmi: VirtualMachineInstance) -> int:
    """Seconds between asking the guest to power off and turning it off."""
    asked = vmi.spec.termination_grace_period_seconds
    return _GRACE if asked is None else asked


def _optional(vmi: VirtualMachineInstance, settings: Settings) -> Json:
    spec = vmi.spec
    fields: Json = {
        "initContainers": console_log(vmi, settings),
        "subdomain": spec.subdomain,
        "dnsPolicy": spec.dns_policy,
        "dnsConfig": spec.dns_config.to_json() if spec.dns_config else None,
        "imagePullSecrets": [{"name": name} for name in _pull_secrets(vmi)],
        "serviceAccountName": _service_account(vmi),
        "runtimeClassName": settings.default_runtime_class,
    }
    return {name: value for name, value in fields.items() if value}


def _pull_secrets(vmi: VirtualMachineInstance) -> list[str]:
    disks = [volume.container_disk for volume in vmi.spec.volumes]
    named = [disk.image_pull_secret for disk in disks if disk is not None]
    firmware = vmi.spec.domain.firmware
    boot = firmware.kernel_boot if firmware is not None else None
    if boot is not None and boot.container is not None:
        named.append(boot.container.image_pull_secret)
    return list(dict.fromkeys(name for name in named if name))


def _service_account(vmi: VirtualMachineInstance) -> str:
    volumes = [volume.service_account for volume in vmi.spec.volumes]
    named = [one.service_account_name for one in volumes if one is not None]
    return vmi.spec.service_account_name or next(iter(named), "")
