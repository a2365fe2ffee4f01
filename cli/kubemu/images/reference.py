"""Names of images: as users write them in manifests, and as skopeo takes them."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
import socket

from ..errors import BadInput

_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:.]+\])(?::[0-9]{1,5})?"
_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?P<name>(?:(?P<host>{_HOST})/)?{_PART}(?:/{_PART})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_LONGEST = 512


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reference:
    """An image in a registry."""

    text: str
    name: str
    """Host and repository, without tag and digest."""
    host: str
    """Registry with its port; empty for the default one."""
    tag: str
    digest: str

    @property
    def source(self) -> str:
        """skopeo's argument. It takes a tag or a digest, not both: the digest decides."""
        if self.digest:
            return self.pinned(self.digest)
        return f"docker://{self.name}:{self.tag or 'latest'}"

    def pinned(self, digest: str) -> str:
        return f"docker://{self.name}@{digest}"

    @property
    def hostname(self) -> str:
        """The registry's host without its port, or empty."""
        return hostname_of(self.host)


def hostname_of(host: str) -> str:
    """`HOST:PORT` without its port and brackets."""
    return re.sub(r":[0-9]+$", "", host).strip("[]")


def parse_mirror(text: str) -> tuple[str, str]:
    """`REGISTRY=MIRROR`, both HOST or HOST:PORT. Raises BadInput."""
    registry, _, mirror = text.partition("=")
    if not all(re.fullmatch(_HOST, host) for host in (registry, mirror)):
        raise BadInput(
            f"{text[:80]!r} is no mirror", where="--registry-mirror", hint="REGISTRY=HOST:PORT"
        )
    return registry, mirror


def parse_reference(text: str, field: str = "") -> Reference:
    """`HOST:PORT/REPOSITORY:TAG@DIGEST` in its usual shortened forms. Raises BadInput."""
    bare = text.removeprefix("docker://")
    match = _REFERENCE.fullmatch(bare) if len(bare) <= _LONGEST else None
    if match is None:
        raise BadInput(f"{text[:80]!r} is no image name", where=field, hint="HOST/REPOSITORY:TAG")
    host, name = match["host"] or "", match["name"]
    if host and not (set(".:[") & set(host) or host == "localhost"):
        host = ""  # The first part of DOCKERHUB/IMAGE is a user, not a host.
    return Reference(
        text=bare, name=name, host=host, tag=match["tag"] or "", digest=match["digest"] or ""
    )


def is_loopback(hostname: str) -> bool:
    """Whether a registry's name leads to this machine alone: such ones seldom have TLS."""
    if not hostname:
        return False
    try:
        found = socket.getaddrinfo(hostname, None, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError):
        return False
    addresses = {str(entry[4][0]).partition("%")[0] for entry in found}
    return all(ipaddress.ip_address(address).is_loopback for address in addresses)
