"""Rules about the KubeVirt object."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

from ..core.components import SeccompConfiguration, TLSConfiguration, TLSVersion
from ..core.configuration import KubeVirtConfiguration
from ..core.hostdevices import MediatedTypes
from ..core.kubevirt import CertConfig, CustomizeComponents, KubeVirt, SelfSignConfiguration
from ..duration import Duration
from ..featuregates import GATES
from ..violation import Violation
from .causes import invalid, not_supported
from .lifecycle import EVICTION_STRATEGIES
from .path import Path

_DAY = Duration("24h")
_WEEK = Duration("168h")
_RENEWED_AT = 0.2
"""The part of its life that a certificate has left when it is renewed."""
_BINDINGS = ("", "bridge", "masquerade")
_PULL_POLICIES = ("", "Always", "IfNotPresent", "Never")


def kubevirt_violations(kubevirt: KubeVirt) -> Iterator[Violation]:
    spec, field = kubevirt.spec, Path("spec")
    yield from _patches(field / "customizeComponents" / "patches", spec.customize_components)
    certificates = spec.certificate_rotate_strategy.self_signed
    if certificates is not None:
        path = field / "certificateRotateStrategy" / "selfSigned"
        yield from _certificates(path, certificates)
    yield from _configuration(field / "configuration", spec.configuration)
    if spec.infra is not None and spec.infra.replicas == 0:
        yield invalid(field / "infra" / "replicas", "infra replica count can't be 0")


def _configuration(path: Path, configuration: KubeVirtConfiguration) -> Iterator[Violation]:
    yield from _overhead_ratio(
        path / "additionalGuestMemoryOverheadRatio",
        configuration.additional_guest_memory_overhead_ratio,
    )
    if configuration.tls_configuration is not None:
        yield from _tls(path / "tlsConfiguration", configuration.tls_configuration)
    if configuration.seccomp_configuration is not None:
        yield from _seccomp(path / "seccompConfiguration", configuration.seccomp_configuration)
    strategy = configuration.eviction_strategy
    if strategy is not None and strategy not in EVICTION_STRATEGIES:
        where = path / "evictionStrategy"
        yield invalid(where, f"{where} is set with an unrecognized option: {strategy}")
    network = configuration.network
    if network is not None and network.default_network_interface not in _BINDINGS:
        yield invalid(
            path / "network" / "defaultNetworkInterface",
            f"invalid default-network-interface in config: {network.default_network_interface}",
        )
    if configuration.image_pull_policy not in _PULL_POLICIES:
        yield invalid(
            path / "imagePullPolicy",
            f"invalid dev.imagePullPolicy in config: {configuration.image_pull_policy}",
        )
    growth = configuration.live_update_configuration
    if growth is not None and growth.max_guest is not None and growth.max_guest.value <= 0:
        where = path / "liveUpdateConfiguration" / "maxGuest"
        yield invalid(where, f"{where} '{growth.max_guest}' must be greater than 0")


def _patches(path: Path, customization: CustomizeComponents) -> Iterator[Violation]:
    for index, patch in enumerate(customization.patches):
        try:
            json.loads(patch.patch)
        except (ValueError, RecursionError):
            yield not_supported(
                path.at(index) / "patch", f"patch {json.dumps(patch.patch)} is not valid JSON"
            )


def _certificates(path: Path, rotation: SelfSignConfiguration) -> Iterator[Violation]:
    old = (rotation.ca_rotate_interval, rotation.cert_rotate_interval, rotation.ca_overlap_interval)
    if any(old) and (rotation.ca is not None or rotation.server is not None):
        yield not_supported(
            path,
            "caRotateInterval, certRotateInterval and caOverlapInterval are deprecated and "
            "conflict with CertConfig defined rotation parameters",
        )
    ca, server = rotation.ca or CertConfig(), rotation.server or CertConfig()
    authority = _seconds(rotation.ca_rotate_interval, ca.duration, _WEEK)
    served = _seconds(rotation.cert_rotate_interval, server.duration, _DAY)
    # Where the paths in the sentences differ from ours, they are those of Go's structures.
    shown = "spec.certificateRotationStrategy.selfSigned"
    if authority < _left(authority, rotation.ca_overlap_interval, ca.renew_before):
        yield invalid(
            path / "ca" / "renewBefore",
            f"CA RenewBefore cannot exceed Duration ({shown}.ca.duration < {shown}.ca.renewBefore)",
        )
    if served < _left(served, None, server.renew_before):
        yield invalid(
            path / "server" / "renewBefore",
            "Cert RenewBefore cannot exceed Duration "
            f"({shown}.server.duration < {shown}.server.renewBefore)",
        )
    if served > authority:
        yield invalid(
            path / "server" / "duration",
            f"Certificate duration cannot exceed CA "
            f"({shown}.server.duration > {shown}.ca.duration)",
        )


def _seconds(deprecated: Duration | None, given: Duration | None, otherwise: Duration) -> float:
    """The deprecated field goes first: who upgrades keeps what was set."""
    return (deprecated or given or otherwise).seconds


def _left(life: float, deprecated: Duration | None, given: Duration | None) -> float:
    chosen = deprecated or given
    return chosen.seconds if chosen is not None else life * _RENEWED_AT


def _overhead_ratio(path: Path, ratio: str | None) -> Iterator[Violation]:
    if ratio is None:
        return
    try:
        value = float(ratio)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        yield not_supported(path, f"ratio provided, {ratio}, cannot be parsed into float")
    elif value < 1:
        yield not_supported(path, f"ratio provided, {ratio}, cannot be smaller than 1.0")


def _tls(path: Path, tls: TLSConfiguration) -> Iterator[Violation]:
    if tls.ciphers and tls.min_tls_version in (None, TLSVersion.TLS13):
        yield not_supported(
            path / "ciphers",
            "You cannot specify ciphers when spec.configuration.tlsConfiguration.minTLSVersion "
            "is empty or VersionTLS13",
        )


def _seccomp(path: Path, seccomp: SeccompConfiguration) -> Iterator[Violation]:
    profile = seccomp.virtual_machine_instance_profile
    if profile is None:
        return
    custom = path / "virtualMachineInstanceProfile" / "customProfile"
    if profile.custom_profile is None:
        yield invalid(custom, f"{custom} needs to be set")
    elif profile.custom_profile.localhost_profile is not None and (
        profile.custom_profile.runtime_default_profile
    ):
        one, other = custom / "localhostProfile", custom / "runtimeDefaultProfile"
        yield invalid(one, f"{one} cannot be set when {other} is set")
        yield invalid(other, f"{other} cannot be set when {one} is set")


def kubevirt_warnings(kubevirt: KubeVirt) -> Iterator[str]:
    """Feature gates that decide nothing any more, and old spellings."""
    configuration = kubevirt.spec.configuration
    if configuration.developer_configuration is not None:
        for gate in configuration.developer_configuration.feature_gates:
            yield from _gate_warnings(gate)
    path = Path("spec.configuration.mediatedDevicesConfiguration")
    made = configuration.mediated_devices_configuration
    if made is not None:
        yield from _old_spelling(path, made)
        for index, types in enumerate(made.node_mediated_device_types):
            yield from _old_spelling((path / "nodeMediatedDeviceTypes").at(index), types)


def _old_spelling(path: Path, types: MediatedTypes) -> Iterator[str]:
    if types.mediated_devices_types:
        yield f"{path / 'mediatedDevicesTypes'} is deprecated, use mediatedDeviceTypes"


def _gate_warnings(gate: str) -> Iterator[str]:
    maturity = GATES.get(gate)
    if maturity is None:
        yield f"feature gate {gate} is not known"
    elif maturity.selectable:
        yield f'feature gate {gate} is active (feature state is "{maturity}")'
    else:
        yield (
            f'feature gate {gate} is deprecated (feature state is "{maturity}"), '
            "therefore it can be safely removed and is redundant."
        )
