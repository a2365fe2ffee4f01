"""Debian as an image, made of Debian's packages: no image registry is needed.

It stands in for the `debian:trixie-slim` that the Containerfiles name, and is as slim.
"""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

from images.cache import cached, digest_of, say
from images.guests.packages import Apt, Source

SUITE = "trixie"
_UNWANTED = ("doc", "info", "locale", "man")
_CONTAINERFILE = "FROM scratch\nADD debian.tar /\n"


class BaseError(Exception):
    """mmdebstrap could not do it; the message has its last words."""


def context(cache: Path) -> Path:
    """The folder of debian.tar and its Containerfile, from the cache or newly made.

    Raises BaseError.
    """
    mirrors = mirrors_for(SUITE, platform.freedesktop_os_release(), Apt(cache / "apt").sources())

    def make(folder: Path) -> None:
        say(f"making Debian {SUITE} of its packages")
        _bootstrap(folder / "debian.tar", mirrors)
        (folder / "Containerfile").write_text(_CONTAINERFILE)

    key = digest_of(SUITE, _CONTAINERFILE, *_UNWANTED, *mirrors)
    return cached(cache / "programs", "debian", key, make)


def mirrors_for(suite: str, release: dict[str, str], sources: list[Source]) -> list[str]:
    """This machine's own mirrors of Debian, as sources.list lines of another suite.

    None on a machine that is no Debian: mmdebstrap knows the usual ones.
    """
    here = release.get("VERSION_CODENAME", "")
    suites = {f"{here}{part}": f"{suite}{part}" for part in ("", "-updates", "-security")}
    return [
        f"deb {source.uri} {suites[source.suite]} main"
        for source in sources
        if release.get("ID") == "debian"
        and source.suite in suites
        and source.component == "main"
        and source.uri.rstrip("/").endswith(("/debian", "/debian-security"))
    ]


def _bootstrap(archive: Path, mirrors: list[str]) -> None:
    excludes = [f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in _UNWANTED]
    done = subprocess.run(
        ["mmdebstrap", "--quiet", "--variant=minbase", *excludes, SUITE, archive, *mirrors],
        # The times of files, so that the same packages are the same archive.
        env={**os.environ, "SOURCE_DATE_EPOCH": "0"},
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise BaseError(f"mmdebstrap: {done.stderr.strip()[-2000:]}")
