"""Hyper-V's enlightenments: which one needs which."""

from __future__ import annotations

from ..core.cpu import CPU, CPUFeature
from ..core.features import FeatureHyperv, FeatureState
from ..core.vmi import VirtualMachineInstanceSpec
from .evolve import evolve

HYPERV_NEEDS = (
    ("evmcs", "vapic"),
    ("ipi", "vpindex"),
    ("tlbflush", "vpindex"),
    ("synictimer", "synic"),
    ("synic", "vpindex"),
)
"""Enlightenments and what they need. Leaves first: following the pairs in order is enough."""


def is_enabled(state: FeatureState | None) -> bool:
    """Whether it is said to be on; before defaulting, silence says nothing."""
    return state is not None and state.enabled is True


def hyperv_dependencies(spec: VirtualMachineInstanceSpec) -> VirtualMachineInstanceSpec:
    """Turns on what an enlightenment needs, unless the user turned exactly that off."""
    features = spec.domain.features
    if features is None or features.hyperv is None:
        return spec
    domain = evolve(spec.domain, features=evolve(features, hyperv=_completed(features.hyperv)))
    if features.hyperv.evmcs is not None and features.hyperv.evmcs.enabled is not False:
        domain = evolve(domain, cpu=_with_vmx(domain.cpu or CPU()))
    return evolve(spec, domain=domain)


def _completed(hyperv: FeatureHyperv) -> FeatureHyperv:
    for name, need in HYPERV_NEEDS:
        needed = getattr(hyperv, need)
        if is_enabled(getattr(hyperv, name)) and (needed is None or needed.enabled is None):
            on = evolve(needed or FeatureState(), enabled=True)
            hyperv = evolve(hyperv, **{need: on})
    return hyperv


def _with_vmx(cpu: CPU) -> CPU:
    """Nested Hyper-V is about VMX: the guest needs the flag, and needs it for sure."""
    vmx = CPUFeature(name="vmx", policy="require")
    known = {feature.name for feature in cpu.features}
    features = tuple(
        evolve(feature, policy="require") if feature.name == "vmx" else feature
        for feature in cpu.features
    )
    return evolve(cpu, features=features if "vmx" in known else (*features, vmx))
