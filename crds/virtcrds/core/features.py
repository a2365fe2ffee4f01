"""Features of the virtual machine's platform: ACPI, APIC, Hyper-V, SMM, KVM."""

from pydantic import Field

from ..base import Model
from ..scalars import UInt32


class FeatureState(Model):
    """A feature that is on, unless it says otherwise."""

    enabled: bool | None = Field(
        default=None, description="Whether the guest gets the feature; true when unset."
    )


class FeatureAPIC(FeatureState):
    """The interrupt controller."""

    end_of_interrupt: bool = Field(
        default=False, description="Notify of the end of an interrupt (pv-eoi)."
    )


class FeatureSpinlocks(FeatureState):
    """Hyper-V's hint after how many spins a guest should yield."""

    retries: UInt32 | None = Field(
        default=None,
        alias="spinlocks",
        description="Spins before the guest yields; at least 4096, which is the default.",
    )


class SyNICTimer(FeatureState):
    """Hyper-V's synthetic timers."""

    direct: FeatureState | None = Field(
        default=None, description="Deliver timer expirations as interrupts, not as messages."
    )


class TLBFlush(FeatureState):
    """Hyper-V's call to flush the TLBs of other CPUs."""

    direct: FeatureState | None = Field(
        default=None, description="Let a nested guest call the hypervisor directly."
    )
    extended: FeatureState | None = Field(
        default=None, description="Allow flushes of single address ranges."
    )


class FeatureVendorID(FeatureState):
    """Hyper-V's vendor name."""

    vendor_id: str = Field(
        default="", alias="vendorid", description="Vendor that the guest sees, up to 12 characters."
    )


class FeatureHyperv(Model):
    """Enlightenments that Windows guests make use of."""

    relaxed: FeatureState | None = Field(
        default=None, description="The guest turns off its watchdog timeouts."
    )
    vapic: FeatureState | None = Field(
        default=None, description="Fast access to the interrupt controller."
    )
    spinlocks: FeatureSpinlocks | None = Field(
        default=None, description="After how many spins the guest should yield."
    )
    vpindex: FeatureState | None = Field(
        default=None, description="The guest can read the index of a virtual CPU."
    )
    runtime: FeatureState | None = Field(
        default=None, description="The guest can read how long a virtual CPU really ran."
    )
    synic: FeatureState | None = Field(
        default=None, description="Synthetic interrupt controller; needs vpindex."
    )
    synictimer: SyNICTimer | None = Field(
        default=None, description="Synthetic timers; they need synic."
    )
    reset: FeatureState | None = Field(
        default=None, description="The guest can reset the machine through Hyper-V."
    )
    vendor_id: FeatureVendorID | None = Field(
        default=None, alias="vendorid", description="Vendor name of the hypervisor."
    )
    frequencies: FeatureState | None = Field(
        default=None, description="The guest can read the TSC's and the APIC's frequency."
    )
    reenlightenment: FeatureState | None = Field(
        default=None, description="The guest is told when the TSC's frequency changes."
    )
    tlbflush: TLBFlush | None = Field(
        default=None, description="Flush TLBs by a call; needs vpindex."
    )
    ipi: FeatureState | None = Field(
        default=None, description="Send inter-processor interrupts by a call; needs vpindex."
    )
    evmcs: FeatureState | None = Field(
        default=None, description="Faster nested virtualisation on Intel; needs vapic."
    )


class FeatureKVM(Model):
    """How KVM shows itself to the guest."""

    hidden: bool = Field(default=False, description="Hide KVM's signature from the guest.")


class HypervPassthrough(Model):
    """All Hyper-V enlightenments that the host has."""

    enabled: bool | None = Field(
        default=None, description="Turn on whatever the host supports; excludes hyperv."
    )


class Features(Model):
    """What the platform offers to the guest."""

    acpi: FeatureState | None = Field(
        default=None, description="ACPI tables and power management; on by default."
    )
    apic: FeatureAPIC | None = Field(default=None, description="Interrupt controller.")
    hyperv_passthrough: HypervPassthrough | None = Field(
        default=None,
        description="Every Hyper-V enlightenment of the host; makes the VM not migratable.",
    )
    hyperv: FeatureHyperv | None = Field(
        default=None, description="Hyper-V enlightenments, chosen one by one."
    )
    smm: FeatureState | None = Field(
        default=None, description="System management mode; secure boot needs it."
    )
    kvm: FeatureKVM | None = Field(default=None, description="How KVM shows itself.")
    pvspinlock: FeatureState | None = Field(
        default=None, description="Paravirtual spinlocks of Linux guests."
    )
