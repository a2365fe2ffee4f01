"""The few questions that bringing a cluster up asks its API server."""

from __future__ import annotations

import json
import ssl
import urllib.request
from typing import Any

from .layout import Layout


def get(layout: Layout, path: str) -> Any:
    """The JSON document at a path, read as the cluster's administrator."""
    return json.loads(_read(layout, path))


def is_ready(layout: Layout) -> bool:
    """Whether the API server answers that it is ready."""
    try:
        return _read(layout, "/readyz") == b"ok"
    except OSError:
        return False


def ready_nodes(layout: Layout) -> set[str]:
    """The names of the nodes that are Ready."""
    return {
        node["metadata"]["name"]
        for node in get(layout, "/api/v1/nodes")["items"]
        for condition in node["status"].get("conditions", [])
        if condition["type"] == "Ready" and condition["status"] == "True"
    }


def _read(layout: Layout, path: str) -> bytes:
    context = ssl.create_default_context(cafile=str(layout.pki / "ca.crt"))
    context.load_cert_chain(layout.pki / "admin.crt", layout.pki / "admin.key")
    with urllib.request.urlopen(layout.server + path, timeout=10, context=context) as answer:
        data: bytes = answer.read()
    return data
