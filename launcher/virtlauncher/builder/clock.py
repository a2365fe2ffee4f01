"""The guest's clock and timers."""

from __future__ import annotations

import datetime
import re

from virtcrds.view import Clock, Timer

from ..errors import Refused
from .given import Given
from .options import Group, KeyVal, Option, Scalar

_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*", re.ASCII)
"""A zone's name; TZ may also be a path, which nobody's VM may choose."""
_DRIFT = {"catchup": "slew", "delay": "none"}
_TRACK = {"guest": "vm", "wall": "host"}
_PIT_POLICIES = ("delay", "discard")


def clock(given: Given) -> list[Option]:
    settings = given.domain.clock or Clock()
    timer = settings.timer or Timer()
    return [_rtc(given, settings, timer), *_timers(given, timer)]


def environment(given: Given) -> dict[str, str]:
    """TZ for a clock in a time zone: `base=localtime` is QEMU's own local time.

    Raises Refused for a text that is no zone's name.
    """
    zone = given.domain.clock.timezone if given.domain.clock is not None else None
    if not zone:
        return {}
    if not _ZONE.fullmatch(zone):
        field = "spec.domain.clock.timezone"
        raise Refused(f"{zone!r} is no name of a time zone", field=field)
    return {"TZ": zone}


def _rtc(given: Given, settings: Clock, timer: Timer) -> Option:
    values: dict[str, Scalar] = {"base": "utc"}
    why = "The guest's clock starts at UTC"
    offset = settings.utc.offset_seconds if settings.utc is not None else None
    if settings.timezone:
        values, why = {"base": "localtime"}, "The guest's clock starts at its zone's time"
    elif offset:
        values, why = {"base": _moment(given.now + offset)}, f"UTC with an offset of {offset} s"
    if timer.rtc is not None:
        values |= {"clock": _TRACK[timer.rtc.track]} if timer.rtc.track in _TRACK else {}
        policy = timer.rtc.tick_policy
        values |= {"driftfix": _DRIFT[policy]} if policy in _DRIFT else {}
    return KeyVal("-rtc", values, Group.CLOCK, why)


def _timers(given: Given, timer: Timer) -> list[Option]:
    options: list[Option] = []
    for name in ("hpet", "pit"):
        state = getattr(timer, name)
        if state is not None:
            value = {name: state.present is not False}
            options.append(KeyVal("-machine", value, Group.CLOCK, f"clock.timer.{name}"))
    pit = timer.pit
    if (
        given.kvm
        and pit is not None
        and pit.present is not False
        and pit.tick_policy in _PIT_POLICIES
    ):
        policy = {"driver": "kvm-pit", "property": "lost_tick_policy", "value": pit.tick_policy}
        options.append(KeyVal("-global", policy, Group.CLOCK, "What becomes of missed ticks"))
    return options


def _moment(seconds: float) -> str:
    try:
        moment = datetime.datetime.fromtimestamp(int(seconds), datetime.UTC)
    except (OverflowError, ValueError, OSError) as error:
        field = "spec.domain.clock.utc.offsetSeconds"
        raise Refused("the offset leads out of the calendar", field=field) from error
    return moment.strftime("%Y-%m-%dT%H:%M:%S")
