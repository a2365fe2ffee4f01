"""The path of a field, as Kubernetes writes it."""

from __future__ import annotations


class Path(str):
    """A field's path that grows: `Path("spec") / "domain" / "cpu"`, `disks.at(0) / "name"`."""

    __slots__ = ()

    def __truediv__(self, name: str) -> Path:
        return Path(f"{self}.{name}" if self else name)

    def at(self, index: int) -> Path:
        return Path(f"{self}[{index}]")
