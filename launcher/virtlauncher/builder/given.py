"""What every device family is given: the VMI, what is known of the world, and what was prepared.

Frozen, and read only; the accessors spare the families the optional levels of the API.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from virtcrds.view import (
    CPU,
    Devices,
    DomainSpec,
    Features,
    Firmware,
    VirtualMachineInstance,
    VirtualMachineInstanceSpec,
)

from ..errors import Refused
from ..facts import Accel, Facts
from ..jsonable import from_jsonable
from ..plan import ABI_VERSION, GuestABI
from ..value import Value
from .descriptors import FdTable
from .prepared import Prepared


class Given(Value):
    vmi: VirtualMachineInstance
    facts: Facts
    prepared: Prepared
    fds: FdTable
    abi: GuestABI | None = None
    """What the guest was before: replayed, where it differs from what we would choose now."""
    now: float = 0.0
    """Seconds since the epoch, for a clock with an offset."""

    @property
    def spec(self) -> VirtualMachineInstanceSpec:
        return self.vmi.spec

    @property
    def domain(self) -> DomainSpec:
        return self.vmi.spec.domain

    @property
    def devices(self) -> Devices:
        return self.domain.devices

    @cached_property
    def cpu(self) -> CPU:
        return self.domain.cpu or CPU()

    @cached_property
    def features(self) -> Features:
        return self.domain.features or Features()

    @cached_property
    def firmware(self) -> Firmware:
        return self.domain.firmware or Firmware()

    @property
    def annotations(self) -> Mapping[str, str]:
        return self.vmi.metadata.annotations

    @property
    def kvm(self) -> bool:
        return self.facts.accel is Accel.KVM

    @property
    def vcpus(self) -> int:
        """Virtual CPUs at boot; a count that is left open is one."""
        cpu = self.cpu
        return max(cpu.sockets, 1) * max(cpu.cores, 1) * max(cpu.threads, 1)


def on_paper(vmi: VirtualMachineInstance, facts: Facts) -> Given:
    """For what is so whatever may be prepared. Raises Refused for an ABI that cannot be read."""
    fds = FdTable(numbers={}, sets={})
    return Given(vmi=vmi, facts=facts, prepared=Prepared(), fds=fds, abi=replayed(facts))


def replayed(facts: Facts) -> GuestABI | None:
    """What the guest was before. Raises Refused when it cannot be read, or not by us."""
    if facts.abi is None:
        return None
    try:
        abi = from_jsonable(GuestABI, facts.abi)
    except ValueError as error:
        raise Refused(f"the guest's recorded ABI cannot be read: {error}") from error
    if abi.version > ABI_VERSION:
        raise Refused(f"the guest's recorded ABI has version {abi.version}, of a newer launcher")
    return abi
