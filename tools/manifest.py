"""`python -m tools.manifest`: deploy/kubemu.yaml, everything that an installation is, in one file.

Made of the CRDs and deploy/parts; `--registry` and `--tag` say where the images are.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OUTPUT = ROOT / "deploy/kubemu.yaml"
REGISTRY, TAG = "registry:5000/kubemu", "devel"
"""Where the local cluster has the images that `make images` made."""
_HEAD = """\
# Made by `python -m tools.manifest` of crds/manifests and deploy/parts; edits are lost.
#   install, upgrade:  kubectl apply --server-side -f kubemu.yaml
#   remove:            docs/install.md says in which order
"""


def manifest(operator: str, launcher: str) -> str:
    """The text of the installation's manifest, with references of the two images.

    Those whose tag is TAG are pulled each time: it says nothing of their content.
    """
    moving = any(image.endswith(f":{TAG}") for image in (operator, launcher))
    crds = sorted((ROOT / "crds/manifests").glob("*.yaml"))
    parts = sorted((ROOT / "deploy/parts").glob("*.yaml"))
    # Namespace and CRDs first: the rest needs them.
    files = [parts[0], *crds, *parts[1:]]
    text = "---\n".join([_HEAD, *(path.read_text() for path in files)])
    for name, value in {
        "KUBEMU_OPERATOR_IMAGE": operator,
        "KUBEMU_LAUNCHER_IMAGE": launcher,
        "KUBEMU_PULL_POLICY": "Always" if moving else "IfNotPresent",
    }.items():
        text = text.replace(name, value)
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    """1 with --check when the file is not what it should be."""
    parser = argparse.ArgumentParser(prog="python -m tools.manifest", description=__doc__)
    parser.add_argument("--registry", default=REGISTRY, help="default: %(default)s")
    parser.add_argument("--tag", default=TAG, help="default: %(default)s")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="'-' prints it")
    parser.add_argument("--check", action="store_true", help="only compare")
    options = parser.parse_args(arguments)
    registry = options.registry.rstrip("/")
    operator, launcher = (f"{registry}/{name}:{options.tag}" for name in ("operator", "launcher"))
    text = manifest(operator, launcher)
    if str(options.output) == "-":
        print(text, end="")
        return 0
    if options.check:
        return int(not options.output.exists() or options.output.read_text() != text)
    options.output.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
