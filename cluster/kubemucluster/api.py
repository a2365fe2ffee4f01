"""The few questions that the cluster's tooling asks its API server."""

from __future__ import annotations

import datetime
import json
import ssl
import urllib.request
from collections.abc import Iterator
from http.client import HTTPResponse
from typing import Any

from .layout import Layout


def get(layout: Layout, path: str) -> Any:
    """The JSON document at a path, read as the cluster's administrator."""
    return call(layout, "GET", path)


def find(layout: Layout, path: str) -> Any | None:
    """The JSON document at a path; None when there is none, or no server that answers."""
    try:
        return get(layout, path)
    except OSError:
        return None


def call(layout: Layout, method: str, path: str, body: Any = None) -> Any:
    """Sends a request and returns the JSON that answers it; OSError when it is refused.

    A PATCH is a JSON merge patch.
    """
    with _opened(layout, method, path, body) as answer:
        return json.load(answer)


def lines(layout: Layout, path: str) -> Iterator[bytes]:
    """The events of a watch, until the server ends it."""
    with _opened(layout, "GET", path, timeout=400) as answer:
        yield from answer


def is_ready(layout: Layout) -> bool:
    """Whether the API server answers that it is ready."""
    try:
        with _opened(layout, "GET", "/readyz") as answer:
            return answer.read() == b"ok"
    except OSError:
        return False


def is_healthy(url: str) -> bool:
    """Whether a component's health page, on this machine, answers that all is well."""
    # What serves it has made its own certificate; there is nobody in between on this machine.
    context = ssl._create_unverified_context()
    try:
        with urllib.request.urlopen(url, timeout=10, context=context) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def said_ready(layout: Layout) -> dict[str, datetime.datetime]:
    """The nodes that are Ready, and when their kubelets last said so, in whole seconds.

    Nobody does where no API server answers.
    """
    nodes = find(layout, "/api/v1/nodes") or {"items": []}
    return {
        node["metadata"]["name"]: datetime.datetime.fromisoformat(condition["lastHeartbeatTime"])
        for node in nodes["items"]
        for condition in node["status"].get("conditions", [])
        if condition["type"] == "Ready" and condition["status"] == "True"
    }


def _opened(
    layout: Layout, method: str, path: str, body: Any = None, timeout: float = 10
) -> HTTPResponse:
    context = ssl.create_default_context(cafile=str(layout.pki / "ca.crt"))
    context.load_cert_chain(layout.pki / "admin.crt", layout.pki / "admin.key")
    kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
    request = urllib.request.Request(
        layout.server + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": kind},
    )
    answer: HTTPResponse = urllib.request.urlopen(request, timeout=timeout, context=context)
    return answer
