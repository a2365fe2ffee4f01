"""Values that stay as the user wrote them and compare by what they mean, in exact nanos."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import pydantic
    from pydantic_core import CoreSchema


class Written:
    """Base of Quantity and Duration. Immutable and hashable; subclasses say what a text means."""

    __slots__ = ("_nanos", "raw")

    raw: Any
    """What the user wrote."""

    def __init__(self, raw: Any) -> None:
        """Raises ValueError with Kubernetes' (or Go's) sentence when `raw` means nothing."""
        object.__setattr__(self, "raw", raw)
        object.__setattr__(self, "_nanos", self._parse(str(raw)))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a {type(self).__name__} does not change")

    @staticmethod
    def _parse(text: str) -> int:
        raise NotImplementedError

    @staticmethod
    def type_error(value: object) -> tuple[str, str] | None:
        """Kind and sentence of the mistake that JSON of a type is which is never right."""
        raise NotImplementedError

    @property
    def _exact(self) -> int:
        nanos: int = object.__getattribute__(self, "_nanos")
        return nanos

    def __str__(self) -> str:
        return str(self.raw)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.raw!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Written) or type(other) is not type(self):
            return NotImplemented
        return self._exact == other._exact

    def __lt__(self, other: Self) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._exact < other._exact

    def __le__(self, other: Self) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._exact <= other._exact

    def __hash__(self) -> int:
        return hash(self._exact)

    def to_json(self) -> Any:
        return self.raw

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: pydantic.GetCoreSchemaHandler
    ) -> CoreSchema:
        from . import scalars  # Views have quantities without pydantic.

        return scalars.schema_of_written(cls)
