"""How every command here begins and ends: options, one sentence for a failure, exit status."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable

from .errors import INTERRUPTED, CommandError

RUN_DIR = "/run/kubemu"
EPILOG = """\
exit status: 0 done; 1 refused, by the launcher or by QEMU; 2 wrong command line;
3 there is no machine; 130 interrupted"""


def parser(name: str, description: str) -> argparse.ArgumentParser:
    """A command line with what all have in common."""
    made = argparse.ArgumentParser(
        prog=name,
        description=description,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument(
        "--run-dir", default=RUN_DIR, metavar="DIR", help="of the launcher (%(default)s)"
    )
    return made


def run(name: str, command: Callable[[], int]) -> int:
    """Run it; its exit status. A reader that has gone (`| head`) is no failure."""
    try:
        status = command()
        sys.stdout.flush()
        return status
    except CommandError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return error.exit
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
