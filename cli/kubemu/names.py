"""Names as Kubernetes takes them: they become folders here, so nothing else may pass."""

from __future__ import annotations

import dataclasses
import re

from .errors import BadInput

DEFAULT_NAMESPACE = "default"

_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_NAMESPACE = re.compile(_LABEL)
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_NAME_LIMIT = 253


@dataclasses.dataclass(frozen=True, kw_only=True, order=True)
class VmName:
    """namespace/name of a VM: checked when made, safe as two folders."""

    namespace: str
    name: str

    def __post_init__(self) -> None:
        if not _NAMESPACE.fullmatch(self.namespace):
            raise BadInput(
                f"{_shown(self.namespace)} is not a namespace",
                where="metadata.namespace",
                hint="lower-case letters, digits and '-', at most 63",
            )
        if len(self.name) > _NAME_LIMIT or not _NAME.fullmatch(self.name):
            raise BadInput(
                f"{_shown(self.name)} is not a name",
                where="metadata.name",
                hint="lower-case letters, digits, '-' and '.', at most 253",
            )

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def parse_vm_name(text: str, namespace: str = "") -> VmName:
    """`NAME` or `NAMESPACE/NAME`; `namespace` is the one of the flag. Raises BadInput."""
    head, slash, tail = text.rpartition("/")
    if slash and namespace and head != namespace:
        raise BadInput(f"{text!r} names one namespace and --namespace another")
    if slash and not head:
        raise BadInput(f"{_shown(text)} is not a name", hint="NAME or NAMESPACE/NAME")
    return VmName(namespace=head or namespace or DEFAULT_NAMESPACE, name=tail)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
