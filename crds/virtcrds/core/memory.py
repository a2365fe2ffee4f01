"""Guest memory and the resources that the VM's pod asks for."""

from pydantic import Field

from ..base import Model
from ..quantity import Quantity
from ..scalars import Choice, ResourceList


class Hugepages(Model):
    """Memory from the host's huge pages."""

    page_size: str = Field(default="", description="Size of a page: 2Mi or 1Gi on amd64.")


class MemLock(Choice):
    NOT_REQUIRED = "NotRequired"
    REQUIRED = "Required"


class ReservedOverhead(Model):
    """Memory that the pod needs beyond what is computed for it."""

    added_overhead: Quantity | None = Field(
        default=None, description="Memory to add to the pod's request and limit."
    )
    mem_lock: MemLock | None = Field(
        default=None,
        description="Required when devices need the memory locked, else NotRequired.",
    )


class Memory(Model):
    """The guest's memory."""

    hugepages: Hugepages | None = Field(
        default=None, description="Take the memory from huge pages of this size."
    )
    guest: Quantity | None = Field(
        default=None,
        description="Memory that the guest sees; the requested memory when unset.",
    )
    max_guest: Quantity | None = Field(
        default=None, description="Memory that may be reached by plugging while the VM runs."
    )
    reserved_overhead: ReservedOverhead | None = Field(
        default=None, description="Memory for the pod beyond what is computed for it."
    )


class ResourceRequirements(Model):
    """CPU and memory of the VM's pod."""

    requests: ResourceList = Field(
        default_factory=dict,
        description="What the scheduler reserves: cpu and memory. Also sizes a guest that names"
        " no size of its own.",
    )
    limits: ResourceList = Field(
        default_factory=dict, description="What the pod may use at most: cpu and memory."
    )
    overcommit_guest_overhead: bool = Field(
        default=False,
        description="Do not let the scheduler reserve the memory that the VM costs beyond its"
        " guest's. A full node may then kill it.",
    )


class MemoryStatus(Model):
    """Memory of a running guest."""

    guest_at_boot: Quantity | None = Field(
        default=None, description="Memory that the guest started with."
    )
    guest_current: Quantity | None = Field(
        default=None, description="Memory that the guest has now."
    )
    guest_requested: Quantity | None = Field(
        default=None, description="Memory that the guest is asked to reach."
    )
    memory_overhead: Quantity | None = Field(
        default=None, description="Memory that the pod needs beyond its guest's."
    )
