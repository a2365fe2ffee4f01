"""Takes secrets out of what is kept or sent: manifests by field, texts by look."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

REMOVED = "[removed]"
_SECRET_FIELDS = frozenset(
    {
        "userdata",
        "userdatabase64",
        "networkdata",
        "networkdatabase64",
        "password",
        "passwd",
        "stringdata",
        "token",
        "session",
        "dhcert",
        "kubectl.kubernetes.io/last-applied-configuration",
        "kubevirt.io/ignitiondata",
    }
)
_SECRET_KINDS = ("Secret",)
_WORDS = re.compile(
    r"""(?ix)
    (                                            # what is kept
      [\w-]*(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|private[_-]?key|credential)[\w-]*
      ["']? \s* [:=] \s*
    )
    (?: "(?:[^"\\]|\\.)*" | '[^']*' | [^\s,;}\]]+ )
    """
)
_BLOCKS = (
    re.compile(r"-----BEGIN [A-Z0-9 ]+-----.*?(?:-----END [A-Z0-9 ]+-----|\Z)", re.DOTALL),
    re.compile(r"(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-\S+|sk-\S+@openssh\.com) +[A-Za-z0-9+/=]+"),
    re.compile(r"\$(?:1|2[abxy]|5|6|7|y|gy)\$[./A-Za-z0-9$=,-]+"),
    re.compile(r"(?i)(?<=bearer )[A-Za-z0-9._~+/=-]{8,}"),
    re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"),
)


def without_secrets(tree: Any) -> Any:
    """A JSON tree with the values of secret fields replaced; shapes and names stay."""
    if isinstance(tree, Mapping):
        if tree.get("kind") in _SECRET_KINDS:
            tree = {**tree, **{key: REMOVED for key in ("data", "stringData") if key in tree}}
        return {
            key: REMOVED
            if key.lower() in _SECRET_FIELDS and value not in (None, "")
            else without_secrets(value)
            for key, value in tree.items()
        }
    if isinstance(tree, list | tuple):
        return [without_secrets(item) for item in tree]
    return tree


def scrub(text: str) -> str:
    """A log without what looks like a secret: keys, hashes of passwords, `password: …`."""
    for block in _BLOCKS:
        text = block.sub(REMOVED, text)
    return _WORDS.sub(rf"\1{REMOVED}", text)
