"""`virt-controller`: options come by the environment (options.Options)."""

from __future__ import annotations

import asyncio
import os
import sys

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
        refusals += group.exceptions
    for refusal in refusals:
        print(f"virt-controller: {refusal}", file=sys.stderr)
    return 3 if refusals else 0


if __name__ == "__main__":
    sys.exit(main())
