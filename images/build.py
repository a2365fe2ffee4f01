"""Builds the test guests, packs and pushes OCI images: `python -m images.build --help`."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from . import oci, packing
from .guests import catalog, packages


def main(arguments: list[str] | None = None) -> int:
    """Run one command; results go to stdout, one per line. An error is one line, and status 1."""
    options = _parser().parse_args(arguments)
    try:
        for line in options.command(options):
            print(line)
    except (packages.PackageError, packing.PushError, OSError) as error:
        print(f"images: {error}", file=sys.stderr)
        return 1
    return 0


def _guest(options: argparse.Namespace) -> list[str]:
    guest = catalog.build(options.name, options.cache, refresh=options.refresh)
    if options.out is None:
        return [str(guest.folder)]
    shutil.copytree(guest.folder, options.out, dirs_exist_ok=True)
    return [str(options.out)]


def _image(options: argparse.Namespace) -> list[str]:
    source = packing.layout(options.name, options.cache)
    if options.out is None:
        return [str(source)]
    shutil.copytree(source, options.out, dirs_exist_ok=True)
    return [str(options.out)]


def _containerdisk(options: argparse.Namespace) -> list[str]:
    image = oci.container_disk(options.file, options.name, compress=options.gzip)
    return [packing.pack(image, options.out, options.reference)]


def _kernelboot(options: argparse.Namespace) -> list[str]:
    image = oci.kernel_boot(options.kernel, options.initrd)
    return [packing.pack(image, options.out, options.reference)]


def _push(options: argparse.Namespace) -> list[str]:
    return packing.publish(
        options.names,
        options.registry,
        prefix=options.prefix,
        tag=options.tag,
        cache=options.cache,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m images.build", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    cache = argparse.ArgumentParser(add_help=False)
    cache.add_argument("--cache", type=Path, help="default: $KUBEMU_CACHE, or ~/.cache/kubemu")
    output = argparse.ArgumentParser(add_help=False)
    output.add_argument("--out", type=Path, required=True, help="a layout's folder, or FILE.tar")
    output.add_argument("--reference", help="the image's name inside, [REGISTRY/]NAME:TAG")

    guest = commands.add_parser("guest", parents=[cache], help="build a guest; prints its folder")
    guest.add_argument("name", choices=list(catalog.GuestName))
    guest.add_argument("--out", type=Path, help="copy the files into this folder")
    guest.add_argument("--refresh", action="store_true", help="look for newer packages first")
    guest.set_defaults(command=_guest)

    image = commands.add_parser("image", parents=[cache], help="a guest as OCI layout")
    image.add_argument("name", choices=list(packing.ImageName))
    image.add_argument("--out", type=Path, help="copy the layout into this folder")
    image.set_defaults(command=_image)

    disk = commands.add_parser("containerdisk", parents=[output], help="pack any disk file")
    disk.add_argument("file", type=Path)
    disk.add_argument("--name", help="the file's name below /disk")
    disk.add_argument("--gzip", action="store_true", help="compress the layer (raw disks)")
    disk.set_defaults(command=_containerdisk)

    boot = commands.add_parser("kernelboot", parents=[output], help="pack a kernel and an initrd")
    boot.add_argument("kernel", type=Path)
    boot.add_argument("initrd", type=Path)
    boot.set_defaults(command=_kernelboot)

    push = commands.add_parser("push", parents=[cache], help="build and push; prints references")
    push.add_argument("names", nargs="+", choices=list(packing.ImageName), metavar="IMAGE")
    push.add_argument("--registry", required=True, help="HOST:PORT; plain HTTP on loopback only")
    push.add_argument("--prefix", default="kubemu")
    push.add_argument("--tag", default="devel")
    push.set_defaults(command=_push)
    return parser


if __name__ == "__main__":
    sys.exit(main())
