"""`virt-controller`: options come by the environment (options.Options)."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator

from .. import logs, names
from ..kube import Server
from . import app
from .options import Options


def main() -> int:
    """Run virt-controller; its exit status."""
    logs.configure(names.CONTROLLER, os.environ.get("LOG_LEVEL", "INFO"))
    try:
        options = Options.of(os.environ)
        server = Server.found()
    except (KeyError, ValueError, RuntimeError) as error:
        print(f"virt-controller: the environment lacks or misspells {error}", file=sys.stderr)
        return 2
    refusals: list[BaseException] = []
    try:
        asyncio.run(app.run(options, server))
    except* app.Rivals as group:
        refusals += _leaves(group)
    for refusal in refusals:
        print(f"virt-controller: {refusal}", file=sys.stderr)
    return 3 if refusals else 0


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """What happened, without the groups of tasks that it went through."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


if __name__ == "__main__":
    sys.exit(main())
