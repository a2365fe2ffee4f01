"""The KubeVirt object as configuration: read by every component, watched live."""

from __future__ import annotations

import dataclasses
import logging
from typing import Any

import virtcrds
from virtcrds import ClusterConfig, InvalidObject, KubeVirt

Json = dict[str, Any]
_log = logging.getLogger("virtoperator.settings")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """What the cluster's administrator decided, and what our installation is."""

    config: ClusterConfig = dataclasses.field(default_factory=ClusterConfig)
    use_emulation: bool = False
    """VMs may run without KVM, on any node."""
    launcher_image: str = ""
    image_pull_policy: str = "IfNotPresent"
    image_pull_secrets: tuple[str, ...] = ()
    cpu_allocation_ratio: int = 10
    memory_overcommit: int = 100
    """Percent of a guest's memory that its pod asks for: 100 asks for all."""
    overhead_ratio: float = 1.0
    """additionalGuestMemoryOverheadRatio."""
    default_runtime_class: str = ""
    node_selectors: dict[str, str] = dataclasses.field(default_factory=dict)
    serial_console_log: bool = True
    log_level: str = "INFO"
    resource_version: str = ""
    """Of the KubeVirt object that this was read from; '' without one."""


def settings_of(
    kubevirt: Json | None, launcher_image: str, last: Settings | None = None
) -> Settings:
    """What a KubeVirt object says. One that cannot be read changes nothing: `last` stays.

    `launcher_image`: the image that was installed with us.
    """
    if kubevirt is None:
        return Settings(launcher_image=launcher_image)
    try:
        parsed = virtcrds.parse(kubevirt).object
        assert isinstance(parsed, KubeVirt)
    except InvalidObject as error:
        _log.error("the KubeVirt object is not understood: %s", error)
        return last or Settings(launcher_image=launcher_image)
    # The dictionary is what was parsed: plain settings are easier read from it.
    wished = (kubevirt.get("spec") or {}).get("configuration") or {}
    developer = wished.get("developerConfiguration") or {}
    machine = wished.get("virtualMachineOptions") or {}
    verbosity = (developer.get("logVerbosity") or {}).get("virtController", 2)
    return Settings(
        config=virtcrds.config_of(parsed),
        use_emulation=bool(developer.get("useEmulation")),
        launcher_image=launcher_image,
        image_pull_policy=wished.get("imagePullPolicy")
        or kubevirt["spec"].get("imagePullPolicy")
        or "IfNotPresent",
        image_pull_secrets=tuple(
            secret["name"] for secret in kubevirt["spec"].get("imagePullSecrets") or ()
        ),
        cpu_allocation_ratio=int(developer.get("cpuAllocationRatio") or 10),
        memory_overcommit=int(developer.get("memoryOvercommit") or 100),
        overhead_ratio=float(wished.get("additionalGuestMemoryOverheadRatio") or 1),
        default_runtime_class=wished.get("defaultRuntimeClass") or "",
        node_selectors=dict(developer.get("nodeSelectors") or {}),
        serial_console_log="disableSerialConsoleLog" not in machine,
        log_level="DEBUG" if int(verbosity) > 4 else "INFO",
        resource_version=kubevirt["metadata"].get("resourceVersion", ""),
    )
