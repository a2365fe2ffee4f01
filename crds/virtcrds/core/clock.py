"""The guest's clock and timers."""

from pydantic import Field

from ..base import Model, Rule
from ..scalars import Int64


class ClockOffsetUTC(Model):
    """A clock that starts at UTC."""

    offset_seconds: Int64 | None = Field(
        default=None, description="Seconds to add to UTC when the guest starts."
    )


class HPETTimer(Model):
    """High precision event timer."""

    tick_policy: str = Field(
        default="", description="What becomes of missed ticks: delay, catchup, merge or discard."
    )
    present: bool | None = Field(
        default=None, description="Whether the guest has the timer; true when unset."
    )


class KVMTimer(Model):
    """KVM's paravirtual clock."""

    present: bool | None = Field(
        default=None, description="Whether the guest has the timer; true when unset."
    )


class PITTimer(Model):
    """Programmable interval timer."""

    tick_policy: str = Field(
        default="", description="What becomes of missed ticks: delay, catchup or discard."
    )
    present: bool | None = Field(
        default=None, description="Whether the guest has the timer; true when unset."
    )


class RTCTimer(Model):
    """Real time clock."""

    tick_policy: str = Field(
        default="", description="What becomes of missed ticks: delay or catchup."
    )
    present: bool | None = Field(
        default=None, description="Whether the guest has the timer; true when unset."
    )
    track: str = Field(default="", description="Clock that it follows: guest or wall.")


class HypervTimer(Model):
    """Hyper-V's reference time counter."""

    present: bool | None = Field(
        default=None, description="Whether the guest has the timer; true when unset."
    )


class Timer(Model):
    """Timers that the guest has, or must not have."""

    hpet: HPETTimer | None = Field(default=None, description="High precision event timer.")
    kvm: KVMTimer | None = Field(default=None, description="KVM's paravirtual clock.")
    pit: PITTimer | None = Field(default=None, description="Programmable interval timer.")
    rtc: RTCTimer | None = Field(default=None, description="Real time clock.")
    hyperv: HypervTimer | None = Field(
        default=None, description="Hyper-V's reference time counter, for Windows guests."
    )


class Clock(Model):
    """What time the guest starts with, and how it ticks."""

    open_ended = True
    cel_rules = (
        Rule(
            rule="!(has(self.utc) && has(self.timezone))",
            message="only one of utc and timezone may be set",
        ),
    )

    utc: ClockOffsetUTC | None = Field(
        default=None, description="Start at UTC, plus an offset if one is given."
    )
    timezone: str | None = Field(
        default=None, description="Start at the local time of a zone, e.g. Europe/Berlin."
    )
    timer: Timer | None = Field(default=None, description="The timers.")
