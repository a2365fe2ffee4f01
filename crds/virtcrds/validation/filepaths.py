"""Paths of files that a user names inside an image or on a node."""

from __future__ import annotations

from collections.abc import Iterator

from ..violation import Violation
from .causes import invalid


def path_violations(field: str, path: str) -> Iterator[Violation]:
    """An absolute path, seen from the root of the image, that names a file below that root.

    `..`, `.`, doubled slashes and `~` are refused: they mean different files to different
    programs, and none of them is needed to name one. Length and control characters are left to
    the rules for text.
    """
    if not path:
        yield invalid(field, f"{field} must not be empty")
    elif not path.strip("/"):
        yield invalid(field, f"{field} must not point to root")
    elif not path.startswith("/") or _has_relative_components(path):
        yield invalid(
            field, f"{field} must be an absolute path to a file without relative components"
        )


def _has_relative_components(path: str) -> bool:
    components = path.removeprefix("/").removesuffix("/").split("/")
    return any(part in ("", ".", "..") or part.startswith("~") for part in components)
