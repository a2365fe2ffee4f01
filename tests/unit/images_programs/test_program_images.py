"""What is decided about our images before anything is built."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from images.guests.packages import Source
from images.programs import context
from images.programs.base import mirrors_for
from images.programs.engine import Engine, EngineError, megabytes
from images.programs.names import Program

DEBIAN = {"ID": "debian", "VERSION_CODENAME": "bookworm"}


def packages_of(program: Program) -> set[str]:
    return set(re.findall(r"^([a-z0-9.-]+)==", context.requirements(program), re.M))


def a_source(uri: str, suite: str, component: str = "main") -> Source:
    return Source(uri=uri, suite=suite, component=component)


@pytest.mark.parametrize("program", Program)
def test_no_image_has_the_kubernetes_client(program: Program) -> None:
    """kopf imports it when it is there, for half as much memory again."""
    assert "kubernetes" not in packages_of(program)


def test_the_launchers_image_has_nothing_of_the_operators() -> None:
    assert packages_of(Program.LAUNCHER).isdisjoint({"aiohttp", "kopf", "pyroute2", "pyyaml"})
    assert packages_of(Program.OPERATOR) >= {"aiohttp", "kopf", "pyroute2", "pydantic"}


@pytest.mark.parametrize("program", Program)
def test_every_requirement_is_pinned_by_its_hash(program: Program) -> None:
    wanted = context.requirements(program).replace("\\\n", "").splitlines()
    assert wanted and all("--hash=sha256:" in line for line in wanted)


def test_a_debian_machines_own_mirrors_are_used_for_our_suite() -> None:
    sources = [
        a_source("http://mirror.example/debian", "bookworm"),
        a_source("http://mirror.example/debian/", "bookworm-updates"),
        a_source("http://mirror.example/debian-security", "bookworm-security"),
        a_source("http://mirror.example/debian", "bookworm", "contrib"),
        a_source("http://mirror.example/debian", "bookworm-backports"),
        a_source("http://vendor.example/tools", "bookworm"),
    ]
    assert mirrors_for("trixie", DEBIAN, sources) == [
        "deb http://mirror.example/debian trixie main",
        "deb http://mirror.example/debian/ trixie-updates main",
        "deb http://mirror.example/debian-security trixie-security main",
    ]


def test_another_distributions_mirrors_are_not() -> None:
    sources = [a_source("http://mirror.example/debian", "noble")]
    assert mirrors_for("trixie", {"ID": "ubuntu", "VERSION_CODENAME": "noble"}, sources) == []


def test_sizes_are_read_as_engines_print_them() -> None:
    said = ["227 MB\n", "1.2GB", "79.9 MB", "512kB"]
    assert [megabytes(one) for one in said] == [227, 1200, 79.9, 0.512]
    with pytest.raises(EngineError, match="'many' is no size"):
        megabytes("many")


def test_an_image_has_a_name_for_skopeo_whatever_built_it() -> None:
    sources = [engine.source("localhost/kubemu/x:devel", Path("/store")) for engine in Engine]
    options = "overlay.skip_mount_home=true"
    assert sources == [
        f"containers-storage:[overlay@/store/root+/store/run:{options}]localhost/kubemu/x:devel",
        "containers-storage:localhost/kubemu/x:devel",
        "docker-daemon:localhost/kubemu/x:devel",
    ]
