"""YAML files to JSON trees that remember their lines, safely: data only, within limits."""

from .scalars import resolve
from .tree import Document, Limits, read_documents

__all__ = ["Document", "Limits", "read_documents", "resolve"]
