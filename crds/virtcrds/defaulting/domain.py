"""The domain: features, firmware, timers, small devices, and what the architecture decides."""

from __future__ import annotations

from ..base import Model
from ..clusterconfig import ClusterConfig
from ..core.clock import Timer
from ..core.cpu import CPU
from ..core.devices import Watchdog, WatchdogDevice
from ..core.features import (
    FeatureHyperv,
    Features,
    FeatureSpinlocks,
    FeatureState,
)
from ..core.firmware import EFI, Bootloader, Firmware, Machine
from ..core.probes import Probe
from ..core.vmi import VirtualMachineInstanceSpec
from .evolve import evolve, filled

_SPINLOCK_RETRIES = 4096
_PROBE = {
    "timeout_seconds": 1,
    "period_seconds": 10,
    "success_threshold": 1,
    "failure_threshold": 3,
}
_NESTED = ("direct", "extended")
"""Features inside features: those of synictimer and tlbflush."""


def architecture(
    spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> VirtualMachineInstanceSpec:
    return filled(spec, {"architecture": config.default_architecture})


def machine_type(
    spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> VirtualMachineInstanceSpec:
    machine = filled(
        spec.domain.machine or Machine(), {"type": config.machine_type(spec.architecture)}
    )
    return evolve(spec, domain=evolve(spec.domain, machine=machine))


def eviction_strategy(
    spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> VirtualMachineInstanceSpec:
    return filled(spec, {"eviction_strategy": config.eviction_strategy})


def features(spec: VirtualMachineInstanceSpec, config: ClusterConfig) -> VirtualMachineInstanceSpec:
    """What is mentioned is on; ACPI is on even unmentioned, but on s390x, which has none."""
    mentioned = spec.domain.features or Features()
    acpi = filled(mentioned.acpi or FeatureState(), {"enabled": spec.architecture != "s390x"})
    changes: dict[str, Model] = {"acpi": acpi}
    for name in ("apic", "smm", "pvspinlock"):
        if (state := getattr(mentioned, name)) is not None:
            changes[name] = _switched_on(state)
    if mentioned.hyperv is not None:
        changes["hyperv"] = _hyperv(mentioned.hyperv)
    return evolve(spec, domain=evolve(spec.domain, features=evolve(mentioned, **changes)))


def timers(spec: VirtualMachineInstanceSpec, config: ClusterConfig) -> VirtualMachineInstanceSpec:
    """A timer that is mentioned is there, unless it says that it is not."""
    clock = spec.domain.clock
    if clock is None or clock.timer is None:
        return spec
    present = {
        name: filled(timer, {"present": True})
        for name in Timer.model_fields
        if (timer := getattr(clock.timer, name)) is not None
    }
    clock = evolve(clock, timer=evolve(clock.timer, **present))
    return evolve(spec, domain=evolve(spec.domain, clock=clock))


def small_devices(
    spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> VirtualMachineInstanceSpec:
    """A watchdog resets, an input device is a USB tablet."""
    devices = spec.domain.devices
    inputs = tuple(filled(one, {"bus": "usb", "type": "tablet"}) for one in devices.inputs)
    devices = evolve(devices, inputs=inputs)
    if devices.watchdog is not None:
        watchdog = _resetting(devices.watchdog, spec.architecture)
        devices = evolve(devices, watchdog=watchdog)
    return evolve(spec, domain=evolve(spec.domain, devices=devices))


def probes(spec: VirtualMachineInstanceSpec, config: ClusterConfig) -> VirtualMachineInstanceSpec:
    return evolve(
        spec,
        readiness_probe=_timed(spec.readiness_probe),
        liveness_probe=_timed(spec.liveness_probe),
    )


def arm_boot(spec: VirtualMachineInstanceSpec, config: ClusterConfig) -> VirtualMachineInstanceSpec:
    """Arm guests boot by UEFI and get the host's CPU."""
    if spec.architecture != "arm64":
        return spec
    firmware = spec.domain.firmware or Firmware()
    if firmware.bootloader is None:
        loader = Bootloader(efi=EFI(secure_boot=False))
        firmware = evolve(firmware, bootloader=loader)
    cpu = filled(spec.domain.cpu or CPU(), {"model": "host-passthrough"})
    return evolve(spec, domain=evolve(spec.domain, firmware=firmware, cpu=cpu))


def cpu_model(
    spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> VirtualMachineInstanceSpec:
    cpu = filled(spec.domain.cpu or CPU(), {"model": config.cpu_model or "host-model"})
    return evolve(spec, domain=evolve(spec.domain, cpu=cpu))


def _hyperv(hyperv: FeatureHyperv) -> FeatureHyperv:
    changes = {
        name: _switched_on(state)
        for name in FeatureHyperv.model_fields
        if (state := getattr(hyperv, name)) is not None
    }
    return evolve(hyperv, **changes)


def _switched_on(state: FeatureState) -> FeatureState:
    state = filled(state, {"enabled": True})
    for name in _NESTED:
        if (nested := getattr(state, name, None)) is not None:
            state = evolve(state, **{name: filled(nested, {"enabled": True})})
    if isinstance(state, FeatureSpinlocks) and state.enabled and state.retries is None:
        state = evolve(state, retries=_SPINLOCK_RETRIES)
    return state


def _resetting(watchdog: Watchdog, architecture: str) -> Watchdog:
    kind = "diag288" if architecture == "s390x" else "i6300esb"
    device = getattr(watchdog, kind) or WatchdogDevice()
    return evolve(watchdog, **{kind: filled(device, {"action": "reset"})})


def _timed(probe: Probe | None) -> Probe | None:
    if probe is None:
        return None
    return evolve(
        probe, **{name: value for name, value in _PROBE.items() if getattr(probe, name) < 1}
    )
