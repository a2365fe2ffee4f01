"""`virt-handler`: options come by the environment (app.Options)."""

from __future__ import annotations

import asyncio
import os
import sys

from .. import logs, names
from ..kube import Server
from . import app


def main() -> int:
    """Run virt-handler; its exit status."""
    logs.configure(names.HANDLER, os.environ.get("LOG_LEVEL", "INFO"))
    try:
        options = app.Options.of(os.environ)
        server = Server.found()
    except (KeyError, ValueError, RuntimeError) as error:
        print(f"virt-handler: the environment lacks or misspells {error}", file=sys.stderr)
        return 2
    asyncio.run(app.run(options, server))
    return 0


if __name__ == "__main__":
    sys.exit(main())
