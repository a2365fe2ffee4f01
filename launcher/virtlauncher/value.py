"""Frozen dataclasses whose methods are inherited, not written and compiled anew for every class.

The standard decorator takes half a millisecond for six methods, and a launcher defines a hundred
classes before its guest runs. `dataclasses.replace`, `fields` and the rest work as ever.
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, NoReturn, dataclass_transform

_Field = dataclasses.Field[Any]


@dataclass_transform(
    frozen_default=True, kw_only_default=True, field_specifiers=(dataclasses.field,)
)
class Value:
    """Base of a value: fields as a dataclass has them, given by name, never changed.

    `class Point(Value, kw_only=False)` takes them in their order, too.
    """

    __dataclass_fields__: ClassVar[dict[str, _Field]]
    __match_args__: ClassVar[tuple[str, ...]] = ()
    _fields: ClassVar[tuple[_Field, ...]] = ()

    def __init_subclass__(cls, *, kw_only: bool = True) -> None:
        super().__init_subclass__()
        cls.__doc__ = cls.__doc__ or cls.__name__  # Else a signature is made, at a price.
        dataclasses.dataclass(init=False, repr=False, eq=False, kw_only=kw_only)(cls)
        cls._fields = dataclasses.fields(cls)

    def __init__(self, *ordered: Any, **named: Any) -> None:
        given = dict(zip(self.__match_args__, ordered, strict=False))
        if len(ordered) > len(given) or given.keys() & named:
            raise TypeError(f"{type(self).__name__} takes no argument beyond, or the same twice")
        given |= named
        values = {}
        for field in self._fields:
            name = field.name
            values[name] = given.pop(name) if name in given else _absent(field)
        if given:
            raise TypeError(f"{type(self).__name__} takes no argument {', '.join(given)}")
        self.__dict__.update(values)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, f.name) == getattr(other, f.name) for f in self._fields)

    def __hash__(self) -> int:
        return hash(tuple(getattr(self, f.name) for f in self._fields))

    def __repr__(self) -> str:
        shown = ", ".join(f"{f.name}={getattr(self, f.name)!r}" for f in self._fields if f.repr)
        return f"{type(self).__name__}({shown})"


def _absent(field: _Field) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    if field.default is dataclasses.MISSING:
        raise TypeError(f"missing argument: {field.name!r}")
    return field.default
