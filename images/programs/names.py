"""The images that our programs run in, and which distributions of the workspace each holds."""

from __future__ import annotations

import enum
from typing import assert_never


class Program(enum.StrEnum):
    """One image; its Containerfile is in the folder of this name beside us."""

    LAUNCHER = "launcher"
    OPERATOR = "operator"

    @property
    def distribution(self) -> str:
        """Whose dependencies the image holds, as uv.lock has them."""
        match self:
            case Program.LAUNCHER:
                return "virtlauncher"
            case Program.OPERATOR:
                return "virtoperator"
            case _:
                assert_never(self)

    @property
    def ours(self) -> tuple[str, ...]:
        """Our own distributions in it, wheels of this tree."""
        match self:
            case Program.LAUNCHER:
                return ("virtcrds", "virtlauncher")
            case Program.OPERATOR:
                return ("netplumb", "virtcrds", "virtlauncher", "virtoperator")
            case _:
                assert_never(self)

    @property
    def megabytes(self) -> int:
        """The budget of its unpacked size."""
        match self:
            case Program.LAUNCHER:
                return 450
            case Program.OPERATOR:
                return 200
            case _:
                assert_never(self)
