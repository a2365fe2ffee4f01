"""The launcher's log: one JSON object or one line of text a record, on standard error.

Every record carries the VM's namespace, name and uid, once they are known.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from typing import Any

FORMATS = ("text", "json")
_OURS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class Handler(logging.StreamHandler[Any]):
    """Writes records in one of FORMATS, with who the VM is."""

    def __init__(self, style: str) -> None:
        super().__init__()
        self._style = style
        self._vm: dict[str, str] = {}

    def identify(self, vmi: Mapping[str, Any]) -> None:
        """From now on, records are about this VMI."""
        meta = vmi.get("metadata") or {}
        self._vm = {key: str(meta[key]) for key in ("namespace", "name", "uid") if meta.get(key)}

    def format(self, record: logging.LogRecord) -> str:
        fields = {key: value for key, value in vars(record).items() if key not in _OURS}
        text = record.getMessage()
        if record.exc_info:
            text = f"{text}\n{logging.Formatter().formatException(record.exc_info)}"
        render = _json if self._style == "json" else _text
        return render(record, text, self._vm, fields)


def now(seconds: float) -> str:
    """RFC 3339, UTC, with milliseconds."""
    whole, fraction = divmod(seconds, 1)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{int(fraction * 1000):03}Z"


def configure(style: str) -> Handler:
    """Send every logger's records to a Handler on standard error."""
    handler = Handler(style)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # What it would say of a lost monitor, we say ourselves, with what we make of it.
    logging.getLogger("qemu.qmp").setLevel(logging.CRITICAL + 1)
    return handler


def _json(
    record: logging.LogRecord, text: str, vm: Mapping[str, str], fields: Mapping[str, Any]
) -> str:
    head = {
        "time": now(record.created),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": text,
    }
    return json.dumps({**head, "vm": vm, **fields} if vm else {**head, **fields}, default=str)


def _text(
    record: logging.LogRecord, text: str, vm: Mapping[str, str], fields: Mapping[str, Any]
) -> str:
    name = f" {'/'.join(vm[k] for k in ('namespace', 'name') if k in vm)}" if vm else ""
    tail = "".join(f" {key}={value}" for key, value in fields.items())
    return f"{now(record.created)} {record.levelname.lower():7}{name} {text}{tail}"
