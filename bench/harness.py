"""Benchmarks that mean something on a shared machine: both sides interleaved, medians, a ratio.

Where the machine lets us, both sides are scheduled before everything else on it.

A bench is a list of `Line`s. Each has our figure, the figure of a peer or of a floor measured in
the same run, their ratio, and the budget. Nothing here fails a test: a budget that is missed is
printed as missed, and `make bench` exits with 1.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence


@dataclasses.dataclass(frozen=True, kw_only=True)
class Line:
    what: str
    ours: float
    unit: str
    peer: str = ""
    """What we are compared to, e.g. 'bare QEMU spawn'."""
    theirs: float | None = None
    budget: float | None = None
    """Bound of `ours`, in `unit`."""
    ratio_budget: float | None = None
    """Bound of ours / theirs."""
    spread: tuple[float, float] | None = None
    """Lowest and highest of our rounds."""

    @property
    def ratio(self) -> float | None:
        return self.ours / self.theirs if self.theirs else None

    @property
    def met(self) -> bool:
        within = self.budget is None or self.ours <= self.budget
        ratio = self.ratio
        close = self.ratio_budget is None or (ratio is not None and ratio <= self.ratio_budget)
        return within and close


def interleave(
    sides: Mapping[str, Callable[[], float]], *, rounds: int
) -> Mapping[str, Sequence[float]]:
    """A B A B …: what disturbs the machine disturbs both. One unmeasured round warms the caches."""
    results: dict[str, list[float]] = {name: [] for name in sides}
    with _undisturbed():
        for number in range(rounds + 1):
            for name, measure in sides.items():
                value = measure()
                if number:
                    results[name].append(value)
    return results


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """This process and its children before all others, where we may (as root): a quiet machine."""
    policy, parameter = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        yield
        return
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, parameter)


def line(
    what: str,
    results: Mapping[str, Sequence[float]],
    *,
    unit: str,
    peer: str,
    budget: float | None = None,
    ratio_budget: float | None = None,
) -> Line:
    """The medians of 'ours' and of `peer`."""
    ours = results["ours"]
    return Line(
        what=what,
        ours=statistics.median(ours),
        unit=unit,
        peer=peer,
        theirs=statistics.median(results[peer]),
        budget=budget,
        ratio_budget=ratio_budget,
        spread=(min(ours), max(ours)),
    )


def report(lines: Sequence[Line]) -> bool:
    """Prints the lines as a Markdown table; True when every budget is met."""
    print(f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} CPUs\n")
    print("| what | ours (min–max) | budget | compared to | theirs | ratio | bound | |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for entry in lines:
        print("| " + " | ".join(_cells(entry)) + " |")
    return all(entry.met for entry in lines)


def _cells(entry: Line) -> list[str]:
    spread = f" ({entry.spread[0]:.3g}–{entry.spread[1]:.3g})" if entry.spread else ""
    return [
        entry.what,
        f"{entry.ours:.3g} {entry.unit}{spread}",
        f"≤ {entry.budget:g} {entry.unit}" if entry.budget is not None else "",
        entry.peer,
        f"{entry.theirs:.3g} {entry.unit}" if entry.theirs is not None else "",
        f"{entry.ratio:.2f}" if entry.ratio is not None else "",
        f"≤ {entry.ratio_budget:g}" if entry.ratio_budget is not None else "",
        "met" if entry.met else "**missed**",
    ]
