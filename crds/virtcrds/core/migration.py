"""VirtualMachineInstanceMigration: a VMI is to move to another node."""

from pydantic import Field

from ..base import Model
from ..kind import Kind
from ..kubernetes.meta import Condition
from ..scalars import ATOMIC, Items
from .migration_state import MigrationState
from .vmi_status import PhaseTransitionTimestamp


class MigrationSource(Model):
    """The VMI leaves for another cluster or namespace."""

    migration_id: str = Field(alias="migrationID", description="Name that both sides use.")
    connect_url: str = Field(description="Where the receiving side can be reached.")


class MigrationTarget(Model):
    """The VMI comes from another cluster or namespace."""

    migration_id: str = Field(alias="migrationID", description="Name that both sides use.")


class MigrationSpec(Model):
    """Which VMI is to move, and where it may go."""

    vmi_name: str = Field(default="", description="Name of the VMI, in the same namespace.")
    added_node_selector: dict[str, str] = Field(
        default_factory=dict,
        description="Labels that the target must have, beyond those that the VMI asks for.",
    )
    send_to: MigrationSource | None = Field(
        default=None, description="Send the VMI to another cluster or namespace."
    )
    receive: MigrationTarget | None = Field(
        default=None, description="Receive a VMI from another cluster or namespace."
    )
    priority: str | None = Field(
        default=None, description="system-critical, user-triggered or system-maintenance."
    )


class MigrationStatus(Model):
    """How the migration goes."""

    phase: str = Field(
        default="",
        description="Pending, Scheduling, Scheduled, PreparingTarget, TargetReady, Running,"
        " Succeeded, Failed, WaitingForSync or Synchronizing.",
    )
    conditions: Items[Condition] = Field(default=(), description="Why it waits, or is given up.")
    phase_transition_timestamps: Items[PhaseTransitionTimestamp] = Field(
        default=(), description="When each phase began.", json_schema_extra=ATOMIC
    )
    migration_state: MigrationState | None = Field(
        default=None, description="How it went in the end."
    )
    synchronization_addresses: Items[str] = Field(
        default=(),
        description="Addresses and ports at which the sides exchange state.",
        json_schema_extra=ATOMIC,
    )


class VirtualMachineInstanceMigration(Kind):
    """A VMI is to move to another node while it runs."""

    spec: MigrationSpec = Field(description="Which VMI is to move, and where it may go.")
    status: MigrationStatus = Field(
        default_factory=MigrationStatus.model_construct, description="How it goes."
    )
