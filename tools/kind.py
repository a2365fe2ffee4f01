"""`make kind`: this very tree in a cluster of kind, for machines with docker, kind and KVM.

The images and the manifest are those of `make install`; only the way to the nodes is another.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from images.programs import publish
from tools.install import NAMESPACE, install

NAME = "kubemu"
CONFIG = Path(__file__).with_suffix(".yaml")
_NEEDED = ("docker", "kind", "kubectl")


def main() -> int:
    """Make the cluster unless it is there, and install, or upgrade. Status 1 with a sentence."""
    missing = [program for program in _NEEDED if shutil.which(program) is None]
    missing += [] if Path("/dev/kvm").exists() else ["/dev/kvm"]
    if missing:
        print(f"kind: this machine lacks {', '.join(missing)}", file=sys.stderr)
        return 1
    try:
        if NAME not in _run("kind", "get", "clusters").split():
            _run("kind", "create", "cluster", f"--config={CONFIG}")
        install(_kubectl, publish.to_kind(NAME))
    except (subprocess.CalledProcessError, *publish.FAILURES) as error:
        print(f"kind: {error}", file=sys.stderr)
        return 1
    print(_kubectl("-n", NAMESPACE, "get", "pods", "-o", "wide"), end="")
    return 0


def _kubectl(*words: str, text: str | None = None) -> str:
    return _run("kubectl", f"--context=kind-{NAME}", *words, text=text)


def _run(*command: str, text: str | None = None) -> str:
    done = subprocess.run(command, input=text, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
