"""`kubemu`: runs a command, and turns what it raises into a sentence and an exit status."""

from __future__ import annotations

import sys
import traceback

from virtlauncher.errors import LauncherError, LaunchFailed

from . import say
from .app import app
from .errors import KubemuError
from .exits import Exit


def main() -> None:
    try:
        app()
    except KubemuError as error:
        say.fail(error)
        sys.exit(error.exit)
    except LauncherError as error:
        say.fail(error)
        sys.exit(_exit_of(error))
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain again when it flushes.
        sys.stderr.close()
        sys.exit(Exit.OK)
    except Exception:
        traceback.print_exc()
        say.warn("this is a bug in kubemu: please report it with what `kubemu collect NAME` packs")
        sys.exit(Exit.INTERNAL)


def _exit_of(error: LauncherError) -> Exit:
    return Exit.LAUNCH_FAILED if isinstance(error, LaunchFailed) else Exit.REFUSED


if __name__ == "__main__":
    main()
