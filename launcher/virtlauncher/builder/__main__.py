"""`python -m virtlauncher.builder --fd N`: the builder process; see `process`."""

from __future__ import annotations

import gc
import sys

if __name__ == "__main__":
    # It lives for one answer: what a collection would free is not worth a twentieth of the start.
    gc.disable()
    from .process import main

    sys.exit(main(sys.argv[1:]))
