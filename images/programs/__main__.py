"""Builds our programs' images and the test guests', and puts them where pods can pull them.

Without --registry that is the registry of the local cluster (`make cluster`).
"""

from __future__ import annotations

import argparse
import sys

from images.packing import ImageName

from . import publish
from .names import Program

_ALL = (*Program, ImageName.TINY, ImageName.TINY_KERNEL, ImageName.CIRROS)


def main(arguments: list[str] | None = None) -> int:
    """Print references, one per line. An error is one line on stderr, and status 1."""
    options = _parser().parse_args(arguments)
    try:
        if options.build:
            for image in options.names:
                publish.make(image)
            return 0
        to = options.registry
        push = publish.to_registry(to) if to else publish.to_cluster()
        for image in options.names:
            for reference in publish.publish(image, push):
                print(reference, flush=True)
    except publish.FAILURES as error:
        print(f"images: {error}", file=sys.stderr)
        return 1
    return 0


def _image(name: str) -> Program | ImageName:
    kinds: tuple[type[Program | ImageName], ...] = (Program, ImageName)
    for kind in kinds:
        if name in list(kind):
            return kind(name)
    raise argparse.ArgumentTypeError(f"there is no image {name!r}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m images.programs", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        default=_ALL,
        type=_image,
        metavar="IMAGE",
        help=f"of {' '.join([*Program, *ImageName])}; default: {' '.join(_ALL)}",
    )
    parser.add_argument("--build", action="store_true", help="only build: no registry is needed")
    parser.add_argument("--registry", help="HOST[:PORT][/PREFIX]; plain HTTP on loopback only")
    return parser


if __name__ == "__main__":
    sys.exit(main())
