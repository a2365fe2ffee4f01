"""Disks of files: names that users chose cannot lead anywhere in the image."""

from __future__ import annotations

import io
import string

import pycdlib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from virtlauncher.builder.content.iso import render_iso
from virtlauncher.builder.content.place import Place
from virtlauncher.errors import BadVolume

PLACE = Place(field="spec.volumes[0].configMap", subject="volume 'config'")
NAMES = st.one_of(
    st.text(string.ascii_letters + string.digits + "-_.;1 *?:\\~", min_size=1, max_size=250),
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="/\0"), min_size=1),
).filter(lambda name: name not in (".", "..") and len(name.encode()) <= 250)
TREES = st.dictionaries(
    st.lists(NAMES, min_size=1, max_size=3).map("/".join), st.binary(max_size=300), max_size=6
).filter(lambda tree: not any(other.startswith(f"{path}/") for path in tree for other in tree))


def read(image: bytes, kind: str) -> dict[str, bytes]:
    iso = pycdlib.PyCdlib()
    iso.open_fp(io.BytesIO(image))
    files = {}
    for folder, _, names in iso.walk(**{f"{kind}_path": "/"}):
        for name in names:
            path = f"{folder.rstrip('/')}/{name}"
            content = io.BytesIO()
            iso.get_file_from_iso_fp(content, **{f"{kind}_path": path})
            files[path[1:]] = content.getvalue()
    iso.close()
    return files


@settings(deadline=None, max_examples=50)
@given(TREES)
def test_linux_finds_exactly_the_files_that_were_given(tree: dict[str, bytes]) -> None:
    image = render_iso("cfgdata", tree, PLACE)
    assert read(image, "rr") == tree
    # Windows' names may be others, its files are the same.
    assert sorted(read(image, "joliet").values()) == sorted(tree.values())


@pytest.mark.parametrize("name", ["", ".", "..", "a/../b", "a//b", "x" * 256, "a\0b", "\udcff"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(BadVolume, match="a file name that a disk cannot carry"):
        render_iso("cfgdata", {name: b""}, PLACE)


def test_windows_gets_names_it_can_read() -> None:
    image = render_iso("cfgdata", {"a:b": b"1", "A:B": b"2", "x" * 70: b"3"}, PLACE)
    assert read(image, "joliet") == {"a_b": b"1", "A_B~1": b"2", "x" * 64: b"3"}
