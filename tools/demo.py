"""`make run`: the tiny guest, out of a registry on this machine, on this terminal."""

from __future__ import annotations

import subprocess
import sys

from images import packing
from images.registry import start_registry

_MANIFEST = "examples/tiny.yaml"
_REGISTRY = "registry:5000"
"""What the examples call it: the name under which a cluster's nodes know it."""


def main() -> int:
    """Build what is not built, serve it, run the manifest; the exit status of `kubemu run`."""
    with start_registry() as address:
        packing.publish([packing.ImageName.TINY], address, prefix="kubemu", tag="devel", cache=None)
        mirror = f"{_REGISTRY}={address}"
        # Always: the tag stays when the guest is built anew.
        command = ["kubemu", "run", "--pull", "always", "--registry-mirror", mirror, _MANIFEST]
        print(f"demo: {' '.join(command)}", file=sys.stderr, flush=True)
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
