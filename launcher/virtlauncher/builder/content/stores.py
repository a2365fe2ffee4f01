"""A file or block device that a disk's layer is made of: found by name, or given as descriptors.

Both can be read for inspection, tell whether they take O_DIRECT, and become a `Layer`: the
read-only and, for a writable layer, the read-write descriptor that QEMU is handed.
"""

from __future__ import annotations

import abc
import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Self

from ...errors import Refused
from ...value import Value
from ..prepared import Layer
from .files import Handle, Kind
from .holdings import Holdings
from .place import Place

SECTOR = 512


class LayerWish(Value):
    """How a store is to be handed to QEMU."""

    name: str
    """Prefix of descriptor names, e.g. 'disk/root/0'."""
    format: str
    readonly: bool
    direct: bool


class Store(Value, abc.ABC):
    place: Place
    name: str
    """For messages."""
    status: os.stat_result

    @abc.abstractmethod
    def reading(self) -> contextlib.AbstractContextManager[int]:
        """A descriptor to read from, without O_DIRECT."""

    @abc.abstractmethod
    def takes_direct(self) -> bool:
        """Whether O_DIRECT works on it."""

    @abc.abstractmethod
    def layer(self, wish: LayerWish, holdings: Holdings) -> Layer:
        """Descriptors for QEMU; those opened here are held by *holdings*."""

    @property
    def kind(self) -> Kind:
        return Kind.of(self.status.st_mode)

    @property
    def block(self) -> bool:
        return self.kind is Kind.BLOCK

    @property
    def preallocated(self) -> bool:
        """A regular file that has no holes."""
        allocated = self.status.st_blocks * SECTOR
        return self.kind is Kind.FILE and 0 < self.status.st_size <= allocated

    def length(self) -> int:
        """Bytes. BadVolume when there are none."""
        length = self.status.st_size
        if self.block:
            with self.reading() as fd:
                length = os.lseek(fd, 0, os.SEEK_END)
        if length == 0:
            raise self.place.bad(f"{self.name} is empty")
        return length


class FoundStore(Store):
    """A file or device behind a handle: every descriptor is opened afresh."""

    handle: Handle

    @classmethod
    def of(cls, handle: Handle, *kinds: Kind) -> Self:
        """BadVolume, naming what was found, unless it is one of *kinds* (a regular file)."""
        handle.require(*(kinds or (Kind.FILE,)))
        return cls(place=handle.place, name=handle.name, status=handle.status, handle=handle)

    @contextlib.contextmanager
    def reading(self) -> Iterator[int]:
        fd = self.handle.open(os.O_RDONLY)
        try:
            yield fd
        finally:
            os.close(fd)

    def takes_direct(self) -> bool:
        try:
            os.close(self.handle.open_or_fail(os.O_RDONLY | os.O_DIRECT))
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise self.place.failed(f"{self.name} cannot be opened", error) from error
            return False
        return True

    def layer(self, wish: LayerWish, holdings: Holdings) -> Layer:
        flags = os.O_DIRECT if wish.direct else 0
        writable = ""
        if not wish.readonly:
            writable = holdings.hold(f"{wish.name}/rw", self.handle.open(os.O_RDWR | flags))
        return Layer(
            format=wish.format,
            readonly_fd=holdings.hold(f"{wish.name}/ro", self.handle.open(os.O_RDONLY | flags)),
            readwrite_fd=writable,
            block=self.block,
        )


class GivenStore(Store):
    """Descriptors that came with the request: they go to QEMU as they are.

    Whoever opened them had the rights that this process lacks; only their O_DIRECT is switched,
    since QEMU takes a descriptor whose flags match.
    """

    readonly: tuple[str, int]
    """Name and descriptor."""
    readwrite: tuple[str, int] | None

    @classmethod
    def of(cls, names: Sequence[str], given: Mapping[str, int], place: Place, *kinds: Kind) -> Self:
        """Refused when a name is unknown or no descriptor reads only; BadVolume on the kind."""
        for name in names:
            if name not in given:
                raise Refused(f"no descriptor '{name}' came with the request", field=place.field)
        by_mode = {_access(given[name]): (name, given[name]) for name in names}
        if os.O_RDONLY not in by_mode:
            raise Refused(
                f"{place.subject}: a descriptor opened read-only is needed", field=place.field
            )
        readonly, readwrite = by_mode[os.O_RDONLY], by_mode.get(os.O_RDWR)
        status = os.fstat(readonly[1])
        if readwrite and not os.path.samestat(status, os.fstat(readwrite[1])):
            raise place.bad("its descriptors are of different files")
        store = cls(
            place=place,
            name=f"descriptor '{readonly[0]}'",
            status=status,
            readonly=readonly,
            readwrite=readwrite,
        )
        if store.kind not in kinds:
            raise place.bad(f"{store.name} is {store.kind}, not {' or '.join(kinds)}")
        return store

    @contextlib.contextmanager
    def reading(self) -> Iterator[int]:
        fd = self.readonly[1]
        before = fcntl.fcntl(fd, fcntl.F_GETFL)
        fcntl.fcntl(fd, fcntl.F_SETFL, before & ~os.O_DIRECT)
        try:
            yield fd
        finally:
            fcntl.fcntl(fd, fcntl.F_SETFL, before)

    def takes_direct(self) -> bool:
        before = fcntl.fcntl(self.readonly[1], fcntl.F_GETFL)
        try:
            fcntl.fcntl(self.readonly[1], fcntl.F_SETFL, before | os.O_DIRECT)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise self.place.failed(f"{self.name} cannot be switched", error) from error
            return False
        fcntl.fcntl(self.readonly[1], fcntl.F_SETFL, before)
        return True

    def layer(self, wish: LayerWish, holdings: Holdings) -> Layer:
        if not wish.readonly and self.readwrite is None:
            raise Refused(
                f"{self.place.subject}: a descriptor opened read-write is needed",
                field=self.place.field,
            )
        readwrite = None if wish.readonly else self.readwrite
        for _, fd in filter(None, (self.readonly, readwrite)):
            flags = fcntl.fcntl(fd, fcntl.F_GETFL) & ~os.O_DIRECT
            fcntl.fcntl(fd, fcntl.F_SETFL, flags | (os.O_DIRECT if wish.direct else 0))
        return Layer(
            format=wish.format,
            readonly_fd=self.readonly[0],
            readwrite_fd=readwrite[0] if readwrite else "",
            block=self.block,
        )


def _access(fd: int) -> int:
    return fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE
