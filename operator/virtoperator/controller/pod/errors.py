"""What a VMI may ask for, but a pod of ours cannot give."""

from __future__ import annotations


class Unsupported(ValueError):
    """`field` of the VMI is valid, and not built; the message says so to the user."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field} {message}")
        self.field = field
