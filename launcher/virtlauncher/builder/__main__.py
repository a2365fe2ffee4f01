"""`python -m virtlauncher.builder FD`: a builder by itself, for a test or a look at one."""

from __future__ import annotations

import sys

from .process import build


def main(arguments: list[str]) -> int:
    match arguments:
        case [number] if number.isdecimal():
            return build(int(number))
        case _:
            print("usage: python -m virtlauncher.builder FD", file=sys.stderr)
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
