"""The API server, as we talk to it: JSON in, JSON out, and errors with a type.

A session of our own: kopf's is gone when kopf is. The token is read again for each request, since
the kubelet renews it in place.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import os
import ssl
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from .kinds import Kind

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=10)
_PAGE = 500
"""Objects of one page of a list."""
Json = dict[str, Any]


class ApiError(Exception):
    """The API server said no. `message` is its own sentence."""

    def __init__(self, status: int, reason: str, message: str, retry_after: float = 0) -> None:
        super().__init__(f"{message} ({status} {reason})")
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after = retry_after
        """Seconds that the server asked us to wait; 0: it did not."""


class NotFound(ApiError):
    """There is no such object, or it is another one than was meant."""


class AlreadyExists(ApiError):
    """An object of this name is there."""


class Conflict(ApiError):
    """Somebody else has changed the object: read it again."""


class Invalid(ApiError):
    """The object was refused for what it says."""


class Forbidden(ApiError):
    """Our account may not do this, or a policy or quota refuses it."""


class Unreachable(ApiError):
    """The server did not answer, or not now (429, 5xx): try again later."""


class Patch(StrEnum):
    """How a patch is meant; its media type."""

    MERGE = "application/merge-patch+json"
    JSON = "application/json-patch+json"
    STRATEGIC = "application/strategic-merge-patch+json"
    APPLY = "application/apply-patch+yaml"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Server:
    """Where the API server is and who we are."""

    url: str
    ca_file: str = ""
    token_file: str = ""
    token: str = ""
    client_certificate: str = ""
    client_key: str = ""

    @classmethod
    def found(cls, environ: Mapping[str, str] = os.environ) -> Server:
        """The cluster we run in, else the one of $KUBECONFIG. Raises RuntimeError without both."""
        host = environ.get("KUBERNETES_SERVICE_HOST")
        if host and (ACCOUNT / "token").exists():
            port = environ.get("KUBERNETES_SERVICE_PORT", "443")
            address = f"[{host}]" if ":" in host else host
            return cls(
                url=f"https://{address}:{port}",
                ca_file=str(ACCOUNT / "ca.crt"),
                token_file=str(ACCOUNT / "token"),
            )
        if path := environ.get("KUBECONFIG"):
            return cls.of_kubeconfig(Path(path))
        raise RuntimeError("there is no cluster: neither a service account nor $KUBECONFIG")

    @classmethod
    def of_kubeconfig(cls, path: Path) -> Server:
        """The current context of a kubeconfig: certificate or token, in files or inline."""
        config = yaml.safe_load(path.read_text())
        context = _named(config["contexts"], config["current-context"])["context"]
        cluster = _named(config["clusters"], context["cluster"])["cluster"]
        user = _named(config["users"], context["user"])["user"]
        return cls(
            url=cluster["server"],
            ca_file=_file(cluster, "certificate-authority"),
            token=user.get("token", ""),
            token_file=user.get("tokenFile", ""),
            client_certificate=_file(user, "client-certificate"),
            client_key=_file(user, "client-key"),
        )

    def context(self) -> ssl.SSLContext:
        """TLS as this server wants it."""
        context = ssl.create_default_context(cafile=self.ca_file or None)
        # Python 3.13 asks of certificates what many clusters' do not have (key identifiers).
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if self.client_certificate:
            context.load_cert_chain(self.client_certificate, self.client_key)
        return context

    def headers(self) -> dict[str, str]:
        """Authorization with the token as it is now."""
        token = Path(self.token_file).read_text().strip() if self.token_file else self.token
        return {"Authorization": f"Bearer {token}"} if token else {}


def _named(entries: Sequence[Json], name: str) -> Json:
    return next(entry for entry in entries if entry["name"] == name)


def _file(section: Json, key: str) -> str:
    """Path of what a kubeconfig names or holds inline; `ssl` takes files only."""
    if data := section.get(f"{key}-data"):
        handle, path = tempfile.mkstemp(prefix="kubeconfig-")
        with os.fdopen(handle, "wb") as file:
            file.write(base64.b64decode(data))
        return path
    return str(section.get(key, ""))


class Kube:
    """A session with the API server. Every method may raise an ApiError."""

    def __init__(self, server: Server, session: aiohttp.ClientSession) -> None:
        self._server = server
        self._session = session

    async def get(self, kind: Kind, namespace: str | None, name: str) -> Json:
        """The object. Raises NotFound."""
        return await self.request("GET", kind.path(namespace, name))

    async def list_all(
        self,
        kind: Kind,
        namespace: str | None = None,
        *,
        labels: str = "",
        fields: str = "",
    ) -> list[Json]:
        """All objects that the selectors take, each with its `kind` and `apiVersion`."""
        return (await self.snapshot(kind, namespace, labels=labels, fields=fields))[0]

    async def snapshot(
        self,
        kind: Kind,
        namespace: str | None = None,
        *,
        labels: str = "",
        fields: str = "",
    ) -> tuple[list[Json], str]:
        """`list_all`, and the resource version at which it was so."""
        query = {"limit": str(_PAGE), "labelSelector": labels, "fieldSelector": fields}
        items: list[Json] = []
        while True:
            wanted = {key: value for key, value in query.items() if value}
            page = await self.request("GET", kind.path(namespace), query=wanted)
            items += page.get("items") or []
            query["continue"] = page["metadata"].get("continue", "")
            if not query["continue"]:
                break
        for item in items:
            item.setdefault("kind", kind.kind)
            item.setdefault("apiVersion", kind.api_version)
        return items, str(page["metadata"]["resourceVersion"])

    async def create(self, kind: Kind, body: Json, subresource: str = "") -> Json:
        """Create in the namespace that the body names. Raises AlreadyExists, Invalid, Forbidden."""
        meta = body["metadata"]
        path = kind.path(meta.get("namespace"))
        if subresource:
            path = kind.path(meta.get("namespace"), meta["name"], subresource)
        return await self.request("POST", path, body=body)

    async def update(self, kind: Kind, body: Json, subresource: str = "") -> Json:
        """Replace; the body's resourceVersion is a precondition. Raises Conflict, NotFound."""
        meta = body["metadata"]
        path = kind.path(meta.get("namespace"), meta["name"], subresource)
        return await self.request("PUT", path, body=body)

    async def patch(
        self,
        kind: Kind,
        namespace: str | None,
        name: str,
        body: Json | Sequence[Json],
        *,
        how: Patch = Patch.MERGE,
        subresource: str = "",
        manager: str = "",
    ) -> Json:
        """Change parts of an object. `metadata.resourceVersion` in a merge is a precondition.

        `manager`: the field manager of Patch.APPLY, which takes over fields of others.
        """
        query = {"fieldManager": manager, "force": "true"} if how is Patch.APPLY else {}
        path = kind.path(namespace, name, subresource)
        return await self.request("PATCH", path, body=body, media=how, query=query)

    async def delete(
        self,
        kind: Kind,
        namespace: str | None,
        name: str,
        *,
        uid: str = "",
        grace: int | None = None,
        propagation: str = "",
    ) -> None:
        """Delete, only if it has this uid when one is given. An object that is gone is fine."""
        options: Json = {"apiVersion": "v1", "kind": "DeleteOptions"}
        if uid:
            options["preconditions"] = {"uid": uid}
        if grace is not None:
            options["gracePeriodSeconds"] = grace
        if propagation:
            options["propagationPolicy"] = propagation
        try:
            await self.request("DELETE", kind.path(namespace, name), body=options)
        except NotFound:
            pass
        except Conflict:
            if not uid:
                raise  # With a uid: the name belongs to another object now, ours is gone.

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        media: str = "application/json",
        query: Mapping[str, str] | None = None,
    ) -> Json:
        """One request; the answer's JSON."""
        headers = {**self._server.headers(), "Accept": "application/json"}
        data = None
        if body is not None:
            headers["Content-Type"] = media
            data = json.dumps(body, separators=(",", ":")).encode()
        url = self._server.url + path
        try:
            async with self._session.request(
                method, url, data=data, headers=headers, params=dict(query or {})
            ) as answer:
                text = await answer.text()
                if answer.status >= 400:
                    raise _error(answer.status, text, answer.headers.get("Retry-After", ""))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            words = str(error) or type(error).__name__
            raise Unreachable(
                0, "Unreachable", f"the API server does not answer: {words}"
            ) from error
        tree = json.loads(text)
        assert isinstance(tree, dict)
        return tree


@contextlib.asynccontextmanager
async def connected(server: Server) -> AsyncIterator[Kube]:
    """A session, closed at the end."""
    connector = aiohttp.TCPConnector(ssl=server.context(), limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT) as session:
        yield Kube(server, session)


def _error(status: int, text: str, retry_after: str) -> ApiError:
    try:
        tree = json.loads(text)
    except ValueError:
        tree = {}
    reason = str(tree.get("reason") or "")
    message = str(tree.get("message") or text[:300])
    wait = float(retry_after) if retry_after.isdecimal() else 0.0
    return _type_of(status, reason)(status, reason, message, wait)


def _type_of(status: int, reason: str) -> type[ApiError]:
    if status == 429 or status >= 500:
        return Unreachable
    if reason == "AlreadyExists":
        return AlreadyExists
    return {
        400: Invalid,
        403: Forbidden,
        404: NotFound,
        409: Conflict,
        413: Invalid,
        422: Invalid,
    }.get(status, ApiError)
