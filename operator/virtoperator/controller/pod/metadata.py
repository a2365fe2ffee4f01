"""Labels, annotations and owner of the pod."""

from __future__ import annotations

from typing import Any

from virtcrds import VirtualMachineInstance

from ... import names
from .naming import host_name, pod_name, vmi_id

_NOT_COPIED = (names.STORAGE_API_VERSION, names.LATEST_API_VERSION, names.GUEST_ABI)
_NOT_COPIED_PREFIX = "kubectl.kubernetes.io"
Json = dict[str, Any]


def metadata(vmi: VirtualMachineInstance, overhead: int, attempt: str = "") -> Json:
    """Metadata of the launcher's pod; `overhead` in bytes."""
    meta = vmi.metadata
    return {
        "name": pod_name(meta.name, meta.uid, attempt),
        "namespace": meta.namespace,
        "labels": _labels(vmi),
        "annotations": _annotations(vmi, overhead),
        "ownerReferences": [
            {
                "apiVersion": "kubevirt.io/v1",
                "kind": "VirtualMachineInstance",
                "name": meta.name,
                "uid": meta.uid,
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ],
    }


def _labels(vmi: VirtualMachineInstance) -> dict[str, str]:
    return {
        **vmi.metadata.labels,
        names.APP: names.LAUNCHER,
        names.CREATED_BY: vmi.metadata.uid,
        names.VM_NAME: host_name(vmi),
        names.VMI_ID: vmi_id(vmi.metadata.name),
    }


def _annotations(vmi: VirtualMachineInstance, overhead: int) -> dict[str, str]:
    copied = {
        key: value
        for key, value in vmi.metadata.annotations.items()
        if key not in _NOT_COPIED and not key.startswith(_NOT_COPIED_PREFIX)
    }
    return {
        **copied,
        names.DOMAIN: vmi.metadata.name,
        names.MEMORY_OVERHEAD: str(overhead),
        names.MIGRATION_TRANSPORT_UNIX: "true",
        "kubectl.kubernetes.io/default-container": names.COMPUTE,
        "descheduler.alpha.kubernetes.io/request-evict-only": "",
    }
