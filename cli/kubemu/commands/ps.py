"""`kubemu ps`: the VMs of this user on this machine."""

from __future__ import annotations

import asyncio
from typing import Any

from virtlauncher.jsonable import to_jsonable

from .. import say
from ..machines import Look, Machine, all_machines, look_at_all
from ..say import Output
from ..view import render_age, render_forward, render_size, render_table
from ..world import observe_world
from .common import Namespace, OutputOption

_COLUMNS = ("NAMESPACE", "NAME", "PHASE", "AGE", "MEMORY", "PORTS", "REASON")


def command(namespace: Namespace = "", output: OutputOption = Output.TEXT) -> None:
    """List VMs: those that run, and those that ended and were not deleted."""
    machines = [m for m in all_machines(observe_world()) if namespace in ("", m.vm.namespace)]
    looks = asyncio.run(look_at_all(machines))
    rows = list(zip(machines, looks, strict=True))
    if output is Output.JSON:
        say.result_json([_tree(machine, look) for machine, look in rows])
        return
    for line in render_table([_COLUMNS, *(_cells(machine, look) for machine, look in rows)]):
        say.result(line)


def _cells(machine: Machine, look: Look) -> tuple[str, ...]:
    record = machine.record
    return (
        record.namespace,
        record.name,
        look.phase,
        render_age(record.started),
        render_size(record.memory),
        ", ".join(render_forward(f) for f in record.forwards) if record.ending is None else "",
        look.reason,
    )


def _tree(machine: Machine, look: Look) -> dict[str, Any]:
    record = machine.record
    return {
        "namespace": record.namespace,
        "name": record.name,
        "phase": look.phase,
        "reason": look.reason,
        "started": record.started,
        "memory": record.memory,
        "accel": record.accel,
        "pid": look.state.get("pid"),
        "agent": bool(look.state.get("agent")),
        "forwards": to_jsonable(record.forwards),
        "images": dict(record.images),
        "source": record.source,
        "ending": to_jsonable(record.ending),
    }
