"""Layers from anybody, unpacked: what comes to exist, and that nothing outside changes."""

from __future__ import annotations

import gzip
import io
import os
import stat
import tarfile
from pathlib import Path
from typing import Any

import hypothesis
import hypothesis.strategies as st
import pytest

from kubemu.errors import BadImage
from kubemu.images.layers import unpack_layer
from kubemu.images.root import Limits, open_root

REG, DIR, SYM, LNK = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE
Entry = tuple[str, bytes, str]
"""Name, type, content or link target."""


def a_layer(*entries: Entry) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, kind, text in entries:
            info = tarfile.TarInfo(name)
            info.type = kind
            info.mode = 0o6777
            if kind == REG:
                info.size = len(text)
            else:
                info.linkname = text
            archive.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()


def unpack(folder: Path, *layers: bytes, limits: Limits | None = None) -> Path:
    root = folder / "root"
    root.mkdir()
    with open_root(root, limits) as writer:
        for layer in layers:
            writer.start_layer()
            unpack_layer(io.BytesIO(layer), writer)
    return root


def seen(root: Path) -> dict[str, Any]:
    """Every path below the root: text of a file, target of a link, None for a folder."""
    found: dict[str, Any] = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        else:
            found[name] = None if path.is_dir() else path.read_text()
    return found


def test_files_are_read_only_whatever_the_archive_says(tmp_path: Path) -> None:
    root = unpack(tmp_path, a_layer(("disk/vm.img", REG, "bytes"), ("empty", DIR, "")))
    assert seen(root) == {"disk": None, "disk/vm.img": "bytes", "empty": None}
    assert [stat.S_IMODE((root / name).stat().st_mode) for name in ("disk/vm.img", "disk")] == [
        0o444,
        0o755,
    ]


def test_later_layers_replace_and_hide(tmp_path: Path) -> None:
    root = unpack(
        tmp_path,
        a_layer(
            ("a", REG, "old"),
            ("b/x", REG, "1"),
            ("b/y", REG, "2"),
            ("c/x", REG, "3"),
            ("d", SYM, "a"),
            ("e/f", REG, "4"),
        ),
        a_layer(
            ("a", REG, "new"),
            ("b/.wh.x", REG, ""),
            ("c/new", REG, "5"),
            ("c/.wh..wh..opq", REG, ""),
            ("d", DIR, ""),
            ("d/in", REG, "6"),
            ("e", REG, "7"),
            (".wh.nothing", REG, ""),
            ("no/such/.wh.x", REG, ""),
        ),
    )
    assert seen(root) == {
        "a": "new",
        "b": None,
        "b/y": "2",
        "c": None,
        "c/new": "5",
        "d": None,
        "d/in": "6",
        "e": "7",
    }


def test_a_whiteout_spares_its_own_layer(tmp_path: Path) -> None:
    root = unpack(
        tmp_path,
        a_layer(("a/old", REG, "1")),
        a_layer(("a/new", REG, "2"), (".wh.a", REG, ""), ("a/.wh..wh..opq", REG, "")),
    )
    assert seen(root) == {"a": None, "a/new": "2"}


def test_links_stay_links_and_hard_links_share(tmp_path: Path) -> None:
    root = unpack(
        tmp_path,
        a_layer(("a", REG, "text"), ("s", SYM, "/etc/passwd"), ("h", LNK, "a"), ("u", SYM, "../x")),
    )
    assert (root / "s").readlink() == Path("/etc/passwd")
    assert (root / "u").readlink() == Path("../x")
    assert (root / "a").stat().st_ino == (root / "h").stat().st_ino


def test_special_files_are_left_out(tmp_path: Path) -> None:
    layer = a_layer(
        ("null", tarfile.CHRTYPE, ""), ("sda", tarfile.BLKTYPE, ""), ("pipe", tarfile.FIFOTYPE, "")
    )
    assert seen(unpack(tmp_path, layer)) == {}


def test_absolute_names_are_below_the_root(tmp_path: Path) -> None:
    root = unpack(tmp_path, a_layer(("/abs/file", REG, "1"), ("./dot//file", REG, "2")))
    assert seen(root) == {"abs": None, "abs/file": "1", "dot": None, "dot/file": "2"}


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([("../evil", REG, "x")], "named '../evil'"),
        ([("a/../../evil", REG, "x")], "named 'a/../../evil'"),
        ([("..", DIR, "")], "named '../'"),
        ([("out", SYM, ".."), ("out/evil", REG, "x")], "through a link"),
        ([("out", SYM, "/"), ("out/etc/evil", REG, "x")], "through a link"),
        ([("out", SYM, "../target"), ("out/.wh.keep", REG, "")], "through a link"),
        ([("out", SYM, "../target"), ("out/.wh..wh..opq", REG, "")], "through a link"),
        ([("f", REG, ""), ("f/evil", REG, "x")], "through a link or a file"),
        ([("out", SYM, "../target/keep"), ("h", LNK, "out")], "which is no file"),
        ([("h", LNK, "../target/keep")], "named '../target/keep'"),
        ([("h", LNK, "missing")], "which is no file"),
        ([("out", SYM, "../target"), ("h", LNK, "out/keep")], "through a link"),
        ([("/", REG, "x")], "named '/'"),
        ([("a" * 300, REG, "x")], "named 'aaa"),
        ([("/".join("a" * 70), REG, "x")], "too long"),
        ([("a/.wh...", REG, "")], "named 'a/..'"),
    ],
)
def test_an_escape_is_refused_and_touches_nothing(
    tmp_path: Path, entries: list[Entry], message: str
) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / "keep").write_text("kept")
    with pytest.raises(BadImage) as caught:
        unpack(tmp_path, a_layer(*entries))
    assert message in str(caught.value)
    assert seen(tmp_path) | {"target": None, "target/keep": "kept"} == seen(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"root", "target"}


def test_a_link_is_replaced_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("kept")
    root = unpack(tmp_path, a_layer(("a", SYM, "../target"), ("a", REG, "new")))
    assert (seen(root), (tmp_path / "target").read_text()) == ({"a": "new"}, "kept")


def test_limits_hold(tmp_path: Path) -> None:
    layer = a_layer(*((str(number), REG, "xx") for number in range(5)))
    for index, limits in enumerate((Limits(members=4), Limits(size=9))):
        folder = tmp_path / str(index)
        folder.mkdir()
        with pytest.raises(BadImage, match="more than"):
            unpack(folder, layer, limits=limits)


def test_zeros_become_holes(tmp_path: Path) -> None:
    size = 64 << 20
    header = tarfile.TarInfo("disk.img")
    header.size = size
    data = header.tobuf() + bytes(size - 512) + b"x" * 512
    root = unpack(tmp_path, data)
    found = (root / "disk.img").stat()
    assert (found.st_size, found.st_blocks * 512 < 1 << 20) == (size, True)
    with (root / "disk.img").open("rb") as file:
        file.seek(-512, os.SEEK_END)
        assert file.read() == b"x" * 512


def test_broken_compression_is_a_bad_image(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    packed = gzip.compress(a_layer(("a", REG, "x" * 5000)))
    for damaged in (packed[:60], packed[:40] + b"\xff" * 40 + packed[80:]):
        with (
            open_root(root) as writer,
            gzip.GzipFile(fileobj=io.BytesIO(damaged)) as stream,
            pytest.raises(BadImage),
        ):
            unpack_layer(stream, writer)


names = st.lists(
    st.sampled_from(["a", "b", "..", ".", "", "out", ".wh.a", ".wh..wh..opq", "c"]),
    min_size=1,
    max_size=4,
).map("/".join)
entries = st.lists(
    st.tuples(
        names,
        st.sampled_from([REG, DIR, SYM, LNK]),
        st.sampled_from(["../target", "/", "a", "out", "..", "b/c"]),
    ),
    max_size=8,
)


@hypothesis.given(st.lists(entries, max_size=3))
@hypothesis.settings(
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture], deadline=None
)
def test_no_sequence_of_members_leaves_the_root(
    tmp_path_factory: pytest.TempPathFactory, layers: list[list[Entry]]
) -> None:
    folder = tmp_path_factory.mktemp("escape")
    target = folder / "target"
    target.mkdir()
    (target / "a").write_text("kept")
    before = (folder.stat().st_mtime_ns, target.stat().st_mtime_ns)
    root = folder / "root"
    root.mkdir()
    before = (folder.stat().st_mtime_ns, target.stat().st_mtime_ns)
    try:
        with open_root(root) as writer:
            for layer in layers:
                writer.start_layer()
                unpack_layer(io.BytesIO(a_layer(*layer)), writer)
    except BadImage:
        pass
    assert (folder.stat().st_mtime_ns, target.stat().st_mtime_ns) == before
    assert (target / "a").read_text() == "kept"
    assert (target / "a").stat().st_nlink == 1
