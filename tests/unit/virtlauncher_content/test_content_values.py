"""Small rules of the content half: sentences, undo, choices."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from virtcrds.core.disks import Disk
from virtlauncher.builder.content.aio import Aio, choose_aio, choose_direct
from virtlauncher.builder.content.cloudinit import public_keys
from virtlauncher.builder.content.holdings import Holdings
from virtlauncher.builder.content.place import Place, shown
from virtlauncher.builder.content.stores import LayerWish, Store
from virtlauncher.builder.prepared import Layer
from virtlauncher.errors import BadVolume, LaunchFailed

PLACE = Place(field="spec.volumes[0].emptyDisk", subject="volume 'a'")
ALL = ("threads", "native", "io_uring")


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("plain ü", "plain ü"),
        ("a\nb\x1b[0m", r"a\nb\x1b[0m"),
        (b"a\xff", r"a\xff"),
        ("x" * 300, "x" * 200 + "…"),
    ],
)
def test_foreign_text_is_shown_on_one_short_line(text: str | bytes, result: str) -> None:
    assert shown(text) == result


def test_refusals_name_field_and_volume() -> None:
    assert str(PLACE.bad("it is empty")) == "spec.volumes[0].emptyDisk: volume 'a': it is empty"
    failed = PLACE.failed("x cannot be made", OSError(28, os.strerror(28)))
    assert isinstance(failed, LaunchFailed)
    assert failed.message == "volume 'a': x cannot be made: No space left on device"


def test_undo_goes_backwards_and_close_is_for_good(tmp_path: Path) -> None:
    steps: list[int] = []
    for end, expected in (("undo", [2, 1]), ("close", [])):
        holdings = Holdings()
        for number in (1, 2):
            holdings.on_undo(lambda number=number: steps.append(number))  # type: ignore[misc]
        read, write = os.pipe()
        os.close(write)
        holdings.hold("pipe", read)
        getattr(holdings, end)()
        holdings.undo()
        assert steps == expected
        assert holdings.descriptors == {}
        with pytest.raises(OSError):
            os.fstat(read)
        steps.clear()


def test_two_descriptors_of_one_name_are_a_mistake() -> None:
    holdings = Holdings()
    holdings.hold("a", os.dup(0))
    second = os.dup(0)
    with pytest.raises(ValueError, match="'a'"):
        holdings.hold("a", second)
    with pytest.raises(OSError):
        os.fstat(second)
    holdings.undo()


class Paper(Store):
    """A store that only says what it is."""

    direct: bool = True

    @contextmanager
    def reading(self) -> Iterator[int]:
        yield 0

    def takes_direct(self) -> bool:
        return self.direct

    def layer(self, wish: LayerWish, holdings: Holdings) -> Layer:
        return Layer(format=wish.format, readonly_fd=wish.name)


def paper(*, direct: bool = True, size: int = 4096, blocks: int = 0) -> Paper:
    status = os.stat_result(
        (0o100600, 1, 1, 1, 0, 0, size, 0, 0, 0),
        {"st_blocks": blocks},
    )
    return Paper(place=PLACE, name="x", status=status, direct=direct)


def disk(**fields: Any) -> Disk:
    return Disk(name="a", **fields)


@pytest.mark.parametrize(
    ("wish", "stores", "result"),
    [
        (disk(), [paper(), paper()], True),
        (disk(), [paper(), paper(direct=False)], False),
        (disk(cache="none"), [paper()], True),
        (disk(cache="writeback"), [paper()], False),
        (disk(cache="writethrough"), [paper()], False),
        (disk(shareable=True), [paper()], True),
    ],
)
def test_o_direct_is_the_wish_or_what_all_layers_take(
    wish: Disk, stores: list[Paper], result: bool
) -> None:
    assert choose_direct(wish, stores, PLACE) is result


@pytest.mark.parametrize(
    ("choose", "sentence"),
    [
        (
            lambda: choose_direct(disk(cache="none"), [paper(direct=False)], PLACE),
            "Unable to use 'none' cache mode, file system where x is stored does not support "
            "direct I/O",
        ),
        (
            lambda: choose_direct(disk(cache="writeback", shareable=True), [paper()], PLACE),
            "a sharable disk requires cache = none got: writeback",
        ),
        (
            lambda: choose_aio(disk(io="native"), paper(), ALL, PLACE, direct=False),
            "io 'native' needs direct I/O, which this disk's cache mode is without",
        ),
        (
            lambda: choose_aio(disk(io="native"), paper(), ("threads",), PLACE, direct=True),
            "io 'native' is not possible here: the kernel refuses io_setup",
        ),
    ],
)
def test_an_impossible_wish_is_refused(choose: Callable[[], object], sentence: str) -> None:
    with pytest.raises(BadVolume) as refused:
        choose()
    assert refused.value.message == f"volume 'a': {sentence}"


@pytest.mark.parametrize(
    ("wish", "store", "direct", "built_in", "result"),
    [
        (disk(io="threads"), paper(), True, ALL, Aio.THREADS),
        (disk(), paper(), True, ("threads",), Aio.THREADS),
        (disk(), paper(blocks=8), False, ("threads", "native"), Aio.THREADS),
    ],
)
def test_the_way_of_io(
    wish: Disk, store: Paper, direct: bool, built_in: tuple[str, ...], result: Aio
) -> None:
    assert choose_aio(wish, store, built_in, PLACE, direct=direct) is result


def test_public_keys_are_lines_that_are_no_comments() -> None:
    text = "# mine\n  ssh-rsa A me  \r\n\nssh-ed25519 B\n#x"
    assert public_keys(text) == ["ssh-rsa A me", "ssh-ed25519 B"]
