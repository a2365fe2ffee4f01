"""Hyper-V enlightenments: what tells a Windows guest that, and how, it is virtual."""

from __future__ import annotations

from collections.abc import Iterator

from virtcrds.view import FeatureHyperv, FeatureState

from ..errors import Refused
from .given import Given
from .options import Scalar

_SIMPLE = {
    "relaxed": "hv-relaxed",
    "vapic": "hv-vapic",
    "vpindex": "hv-vpindex",
    "runtime": "hv-runtime",
    "synic": "hv-synic",
    "synictimer": "hv-stimer",
    "reset": "hv-reset",
    "frequencies": "hv-frequencies",
    "reenlightenment": "hv-reenlightenment",
    "tlbflush": "hv-tlbflush",
    "ipi": "hv-ipi",
    "evmcs": "hv-evmcs",
}
_RETRIES = 4096
_VENDOR_LIMIT = 12


def hyperv_flags(given: Given) -> Iterator[tuple[str, Scalar]]:
    """Flags of -cpu, for KVM only: TCG emulates none of it, and refuses some."""
    features = given.features
    if features.hyperv_passthrough is not None and features.hyperv_passthrough.enabled is not False:
        yield "hv-passthrough", True
    if features.hyperv is not None:
        yield from _chosen(features.hyperv)
    clock = given.domain.clock
    timer = clock.timer.hyperv if clock is not None and clock.timer is not None else None
    if timer is not None and timer.present is not False:
        yield "hv-time", True
    if any(device.model == "hyperv" for device in given.devices.panic_devices):
        yield "hv-crash", True


def wants_hyperv(given: Given) -> bool:
    return next(hyperv_flags(given), None) is not None


def _chosen(hyperv: FeatureHyperv) -> Iterator[tuple[str, Scalar]]:
    for name, flag in _SIMPLE.items():
        if _on(getattr(hyperv, name)):
            yield flag, True
    if hyperv.spinlocks is not None and _on(hyperv.spinlocks):
        yield "hv-spinlocks", f"{hyperv.spinlocks.retries or _RETRIES:#x}"
    if hyperv.vendor_id is not None and _on(hyperv.vendor_id):
        yield "hv-vendor-id", _vendor(hyperv.vendor_id.vendor_id)
    if hyperv.synictimer is not None and _on(hyperv.synictimer.direct):
        yield "hv-stimer-direct", True
    if hyperv.tlbflush is not None and _on(hyperv.tlbflush.direct):
        yield "hv-tlbflush-direct", True
    if hyperv.tlbflush is not None and _on(hyperv.tlbflush.extended):
        yield "hv-tlbflush-ext", True


def _on(state: FeatureState | None) -> bool:
    return state is not None and state.enabled is not False


def _vendor(name: str) -> str:
    # -cpu cannot quote a comma; CPUID has room for twelve bytes.
    if (
        not (0 < len(name) <= _VENDOR_LIMIT and name.isascii() and name.isprintable())
        or "," in name
    ):
        field = "spec.domain.features.hyperv.vendorid.vendorid"
        raise Refused(f"{name!r} is no vendor of up to {_VENDOR_LIMIT} characters", field=field)
    return name
