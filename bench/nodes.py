"""`python -m bench.nodes [ROUNDS]`: from nothing to two Ready nodes with DNS and storage, and back.

A cluster of its own beside what else runs, of programs that are built already. Root.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence

from bench import harness
from kubemucluster import cluster, life

NAME = "bench"


def _seconds(action: Callable[[], object]) -> float:
    start = time.monotonic()
    action()
    return time.monotonic() - start


def _line(what: str, seconds: Sequence[float], budget: float) -> harness.Line:
    return harness.Line(
        what=what,
        ours=statistics.median(seconds),
        unit="s",
        budget=budget,
        spread=(min(seconds), max(seconds)),
    )


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    ups: list[float] = []
    downs: list[float] = []
    with cluster.working_on(NAME):
        life.down(NAME, lambda _: None)
        for _ in range(rounds):
            ups.append(_seconds(lambda: life.up(NAME, None, lambda _: None)))
            downs.append(_seconds(lambda: life.down(NAME, lambda _: None)))
    lines = [
        _line("cluster: nothing → two Ready nodes, DNS, storage", ups, 40),
        _line("cluster: down → nothing", downs, 10),
    ]
    sys.exit(0 if harness.report(lines) else 1)


if __name__ == "__main__":
    main()
