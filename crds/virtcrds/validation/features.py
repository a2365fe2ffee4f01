"""Features of the platform: Hyper-V's enlightenments and what each one needs; the clock."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..clusterconfig import ClusterConfig
from ..core.clock import Timer
from ..core.features import FeatureHyperv
from ..core.vmi import VirtualMachineInstanceSpec
from ..defaulting.hyperv import HYPERV_NEEDS, is_enabled
from ..violation import Violation
from .causes import invalid, required
from .path import Path

_MAX_VENDOR = 12
"""CPUID has three registers for the vendor's name."""
_ZONE = re.compile("[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*")
_TICK_POLICIES = {
    "hpet": ("", "delay", "catchup", "merge", "discard"),
    "pit": ("", "delay", "catchup", "discard"),
    "rtc": ("", "delay", "catchup"),
}
_RTC_TRACKS = ("", "guest", "wall")


def hyperv(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    features, path = spec.domain.features, field / "domain" / "features" / "hyperv"
    if features is None or features.hyperv is None:
        return
    if features.hyperv_passthrough is not None:
        yield invalid(
            path,
            "Cannot explicitly set hyperV features if HypervPassthrough is being used. "
            "Please use either HyperV or HypervPassthrough.",
        )
    for name, need in HYPERV_NEEDS:
        if is_enabled(getattr(features.hyperv, name)) and not is_enabled(
            getattr(features.hyperv, need)
        ):
            yield invalid(
                path / name, f"'{path}.{name}' requires '{path}.{need}', which was disabled."
            )
    yield from _vendor(path / "vendorid" / "vendorid", features.hyperv)


def nested_hyperv(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    """eVMCS is about VMX: the guest needs that CPU feature."""
    features, cpu = spec.domain.features, spec.domain.cpu
    evmcs = features.hyperv.evmcs if features is not None and features.hyperv is not None else None
    if evmcs is None or evmcs.enabled is False:
        return
    path = field / "domain" / "cpu" / "features"
    if cpu is None or not cpu.features:
        yield required(path, "vmx cpu feature is required when evmcs is set")
        return
    for index, feature in enumerate(cpu.features):
        if feature.name == "vmx" and feature.policy != "require":
            yield invalid(
                path.at(index) / "policy", "vmx cpu feature has to be set to require policy"
            )


def clock(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    settings, path = spec.domain.clock, field / "domain" / "clock"
    if settings is None:
        return
    if settings.utc is not None and settings.timezone is not None:
        yield invalid(path, f"{path} must not have both utc and timezone set")
    zone = settings.timezone
    if zone is not None and not _ZONE.fullmatch(zone):
        yield invalid(path / "timezone", f"{path}.timezone must be the name of a time zone")
    if settings.timer is not None:
        yield from _timers(path / "timer", settings.timer)


def _vendor(path: Path, features: FeatureHyperv) -> Iterator[Violation]:
    vendor = features.vendor_id.vendor_id if features.vendor_id is not None else ""
    if len(vendor.encode(errors="replace")) > _MAX_VENDOR:
        yield invalid(path, f"{path} must be no more than {_MAX_VENDOR} characters")


def _timers(path: Path, timer: Timer) -> Iterator[Violation]:
    for name, allowed in _TICK_POLICIES.items():
        settings = getattr(timer, name)
        if settings is not None and settings.tick_policy not in allowed:
            where = path / name / "tickPolicy"
            yield invalid(where, f"{where} has invalid value {settings.tick_policy}")
    if timer.rtc is not None and timer.rtc.track not in _RTC_TRACKS:
        where = path / "rtc" / "track"
        yield invalid(where, f"{where} has invalid value {timer.rtc.track}")
