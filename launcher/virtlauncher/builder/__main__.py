"""The builder process: one request over an inherited socket, one answer, and gone.

Everything is imported at once: it is started before anybody asks, so the imports cost no time.
"""

from __future__ import annotations

import argparse
import logging
import socket
import sys
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

from virtcrds import ClusterConfig, InvalidObject, VirtualMachineInstance, parse, validate
from virtcrds.featuregates import GATES

from .. import framing
from ..errors import LauncherError, Refused, Unsupported
from ..facts import Facts
from .content import prepare
from .content.limits import Limits, limit_self
from .plan import plan
from .support import unsupported

_CONFIG = ClusterConfig(feature_gates=frozenset(GATES))
"""What a cluster allows was decided before a launcher was started."""
_log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer one request; the exit status: 1 when the launcher went away before the answer."""
    parser = argparse.ArgumentParser(prog="python -m virtlauncher.builder")
    parser.add_argument("--fd", type=int, required=True, help="the link's descriptor")
    logging.basicConfig(stream=sys.stderr, format="builder: %(message)s")
    with socket.socket(fileno=parser.parse_args(arguments).fd) as link:
        try:
            request, fds = framing.receive(link)
            _answer(link, request, fds)
        except EOFError:
            return 0
        except OSError as error:
            _log.error("the launcher is gone: %s", error.strerror)
            return 1
    return 0


def _answer(link: socket.socket, request: Mapping[str, Any], fds: Mapping[str, int]) -> None:
    try:
        limit_self(Limits())
        vmi, facts = _vmi(request), _facts(request)
        _check(vmi, facts)
        with prepare(vmi, facts, fds) as content:
            answer = plan(vmi, facts, content.prepared).to_json()
            framing.send(link, {"plan": answer}, content.descriptors)
    except LauncherError as error:
        framing.send(link, {"error": error.to_json()})
    except MemoryError:
        refusal = Refused("reading the volumes took more memory than allowed")
        framing.send(link, {"error": refusal.to_json()})
    except OSError:
        raise
    except Exception as error:
        # A foreign exception's message may hold a piece of a seed: where it was is enough.
        where = "".join(traceback.format_tb(error.__traceback__))
        _log.error("%s\n%s", type(error).__name__, where)
        failure = LauncherError(f"the builder failed with {type(error).__name__}")
        framing.send(link, {"error": failure.to_json()})


def _vmi(request: Mapping[str, Any]) -> VirtualMachineInstance:
    try:
        vmi = parse(request.get("vmi")).object
    except InvalidObject as error:
        raise Refused(str(error), field=error.violations[0].field) from error
    if not isinstance(vmi, VirtualMachineInstance):
        raise Refused("the request's 'vmi' is no VirtualMachineInstance", field="kind")
    return vmi


def _facts(request: Mapping[str, Any]) -> Facts:
    try:
        return Facts.from_json(request.get("facts") or {})
    except ValueError as error:
        raise Refused(f"the facts cannot be read: {error}") from error


def _check(vmi: VirtualMachineInstance, facts: Facts) -> None:
    """Raises Refused or Unsupported with the first complaint, before anything is opened."""
    for kind, violations in (
        (Refused, validate(vmi, _CONFIG)),
        (Unsupported, unsupported(vmi, facts)),
    ):
        if violations:
            first, *others = violations
            more = f" (and {len(others)} more)" if others else ""
            raise kind(first.message + more, field=first.field)


if __name__ == "__main__":
    sys.exit(main())
