"""The builder process: one request over an inherited socket, one answer, and gone.

Everything is imported at once, and what only a first time costs is spent, while nobody asks yet.
Imports are few on purpose: where the launcher is asked at once, they are on the path of the start.
"""

from __future__ import annotations

import select
import socket
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from virtcrds import ClusterConfig, InvalidObject, VirtualMachineInstance, parse, validate
from virtcrds.featuregates import GATES

from .. import framing
from ..errors import LauncherError, Refused, Unsupported
from ..facts import Facts
from .content import prepare
from .content.limits import Limits, limit_self
from .plan import plan
from .rehearsal import rehearse
from .support import unsupported

_CONFIG = ClusterConfig(feature_gates=frozenset(GATES))
"""What a cluster allows was decided before a launcher was started."""


def main(arguments: Sequence[str]) -> int:
    """`--fd N`: answer one request on descriptor N.

    The exit status: 1 when the launcher went away before the answer, 2 for other arguments.
    """
    match arguments:
        case ["--fd", number] if number.isdecimal():
            pass
        case _:
            _say("usage: python -m virtlauncher.builder --fd N")
            return 2
    with socket.socket(fileno=int(number)) as link:
        try:
            if not select.select([link], [], [], 0)[0]:
                rehearse()
            request, fds = framing.receive(link)
            _answer(link, request, fds)
        except EOFError:
            return 0
        except OSError as error:
            _say(f"the launcher is gone: {error.strerror}")
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
    except Exception as error:
        _say_where(error)
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


def _say_where(error: Exception) -> None:
    """Type and places only: the message of a foreign exception may hold a piece of a seed."""
    place: TracebackType | None = error.__traceback__
    while place is not None:
        code = place.tb_frame.f_code
        _say(f'  File "{code.co_filename}", line {place.tb_lineno}, in {code.co_name}')
        place = place.tb_next
    _say(type(error).__name__)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
