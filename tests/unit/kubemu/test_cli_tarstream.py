"""Our tar reader against the standard library's writer, and against hostile bytes."""

from __future__ import annotations

import io
import tarfile
from pathlib import PurePosixPath

import hypothesis
import hypothesis.strategies as st
import pytest

from kubemu.errors import BadImage
from kubemu.images.tarstream import Kind, Member, read_members

FORMATS = {"pax": tarfile.PAX_FORMAT, "gnu": tarfile.GNU_FORMAT, "ustar": tarfile.USTAR_FORMAT}


def a_tar(*members: tuple[tarfile.TarInfo, bytes], format: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format) as archive:
        for info, content in members:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def a_member(name: str, type: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = type, link
    return info


def read(data: bytes) -> list[tuple[Member, bytes]]:
    return [
        (member, body.read(member.size) if member.size else b"")
        for member, body in read_members(io.BytesIO(data))
    ]


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_is_read(format: str) -> None:
    name = "/".join(["a" * 50] * 4)
    data = a_tar(
        (a_member(name), b"x" * 1000),
        (a_member("disk", tarfile.DIRTYPE), b""),
        (a_member("link", tarfile.SYMTYPE, "disk/x"), b""),
        (a_member("hard", tarfile.LNKTYPE, "disk/y"), b""),
        (a_member("null", tarfile.CHRTYPE), b""),
        (a_member("empty"), b""),
        format=FORMATS[format],
    )
    assert read(data) == [
        (Member(name=name, kind=Kind.FILE, size=1000), b"x" * 1000),
        (Member(name="disk/", kind=Kind.FOLDER), b""),
        (Member(name="link", kind=Kind.SYMLINK, link="disk/x"), b""),
        (Member(name="hard", kind=Kind.HARDLINK, link="disk/y"), b""),
        (Member(name="null", kind=Kind.SPECIAL), b""),
        (Member(name="empty", kind=Kind.FILE), b""),
    ]


def test_a_body_that_is_not_read_is_skipped() -> None:
    data = a_tar((a_member("a"), b"x" * 5000), (a_member("b"), b"y"))
    assert [member.name for member, _ in read_members(io.BytesIO(data))] == ["a", "b"]


@hypothesis.given(
    st.lists(
        st.tuples(
            st.text(
                st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=300
            ).filter(lambda name: name not in (".", "..")),
            st.binary(max_size=2000),
        ),
        max_size=5,
    ),
    st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]),
)
def test_names_and_contents_come_back(files: list[tuple[str, bytes]], format: int) -> None:
    data = a_tar(*((a_member(name), content) for name, content in files), format=format)
    assert [(member.name, body) for member, body in read(data)] == files


@pytest.mark.parametrize("length", [100, 511, 512, 700, 1024, 1500])
def test_a_cut_archive_is_refused(length: int) -> None:
    data = a_tar((a_member("a"), b"x" * 2000))[:length]
    with pytest.raises(BadImage, match="ends in the middle"):
        read(data)


def test_an_archive_without_an_end_mark_is_read() -> None:
    assert [member.name for member, _ in read(a_tar((a_member("a"), b""))[:512])] == ["a"]


def test_a_huge_header_is_refused_before_it_is_read() -> None:
    info = a_member("long", tarfile.GNUTYPE_LONGNAME)
    info.size = 1 << 40
    header = info.tobuf(tarfile.GNU_FORMAT)
    with pytest.raises(BadImage, match="tar header of 1099511627776 bytes"):
        read(header)


def test_sparse_members_are_refused() -> None:
    info = a_member("a")
    info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}
    with pytest.raises(BadImage, match="sparse"):
        read(a_tar((info, b"x")))


@pytest.mark.parametrize(
    "records",
    [b"999 path=x\n", b"0 path=x\n", b"path=x\n", b"9 path=x\n\n", b"10 size=-1\n", b"x" * 64],
)
def test_broken_pax_headers_are_refused(records: bytes) -> None:
    info = a_member("head", tarfile.XHDTYPE)
    info.size = len(records)
    head = info.tobuf(tarfile.USTAR_FORMAT) + records.ljust(512, b"\0")
    with pytest.raises(BadImage, match="pax header"):
        read(head + a_tar((a_member("a"), b"")))


@hypothesis.given(st.binary(max_size=3000), st.integers(0, 2500))
def test_damaged_archives_are_read_or_refused(noise: bytes, offset: int) -> None:
    data = bytearray(a_tar((a_member("a" * 150), b"x" * 600), (a_member("b"), b"y")))
    data[offset : offset + len(noise)] = noise
    try:
        members = read(bytes(data))
    except BadImage:
        return
    assert all(PurePosixPath(member.name) for member, _ in members)
