"""The builder process: one request over an inherited socket, one answer, and gone.

A VMI comes parsed, defaulted and validated from whoever starts it, and is only read here (see
virtcrds.view): imports are on the path of the start, and the models' are longer than all the rest.
"""

from __future__ import annotations

import gc
import socket
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from virtcrds import InvalidObject
from virtcrds.view import VirtualMachineInstance, vmi_view

from .. import framing
from ..errors import LauncherError, Refused
from ..facts import Facts
from .content import prepare
from .content.limits import Limits, limit_self
from .plan import plan
from .support import check_support


def build(number: int) -> int:
    """Answer one request on the socket *number*, which is closed then.

    The exit status: 1 when the launcher went away before the answer.
    """
    # It lives for one answer: what a collection would free is not worth a twentieth of the start.
    gc.disable()
    with socket.socket(fileno=number) as link:
        try:
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
        check_support(vmi, facts)  # before anything is opened
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
        return vmi_view(request.get("vmi"))
    except InvalidObject as error:
        raise Refused(str(error), field=error.violations[0].field) from error


def _facts(request: Mapping[str, Any]) -> Facts:
    try:
        return Facts.from_json(request.get("facts") or {})
    except ValueError as error:
        raise Refused(f"the facts cannot be read: {error}") from error


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
