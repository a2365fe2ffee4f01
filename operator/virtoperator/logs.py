"""Logs on standard error: one JSON object a line, or text for people at a terminal.

The keys are KubeVirt's: level, timestamp, component, msg, pos; and namespace, name, uid, kind of
the object that a line is about, given as `extra=about(object)`.
"""

from __future__ import annotations

import datetime
import json
import logging
import sys
from typing import Any

_ABOUT = ("kind", "namespace", "object", "uid", "node", "pod")
_LEVELS = {"WARNING": "warning", "CRITICAL": "error"}
_QUIET = ("kopf", "aiohttp.access", "asyncio")
"""Loggers of libraries that report each success."""


def about(body: dict[str, Any]) -> dict[str, str]:
    """`extra` of a log line about an object."""
    meta = body["metadata"]
    return {
        "kind": body.get("kind", ""),
        "namespace": meta.get("namespace", ""),
        "object": meta["name"],
        "uid": meta.get("uid", ""),
    }


def configure(component: str, level: str = "INFO", *, text: bool | None = None) -> None:
    """Set logging up for this process. `text`: None decides by the terminal."""
    handler = logging.StreamHandler(sys.stderr)
    if text is None:
        text = sys.stderr.isatty()
    handler.setFormatter(
        logging.Formatter("%(asctime)s %(levelname)s %(message)s") if text else _Json(component)
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


class _Json(logging.Formatter):
    def __init__(self, component: str) -> None:
        super().__init__()
        self._component = component

    def format(self, record: logging.LogRecord) -> str:
        when = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        line = {
            "component": self._component,
            "level": _LEVELS.get(record.levelname, record.levelname.lower()),
            "timestamp": when.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "pos": f"{record.filename}:{record.lineno}",
            "msg": record.getMessage(),
        }
        for key in _ABOUT:
            if value := getattr(record, key, ""):
                line["name" if key == "object" else key] = value
        if record.exc_info:
            line["reason"] = self.formatException(record.exc_info)
        return json.dumps(line)
