"""Images out of a real registry, by the real skopeo."""

from __future__ import annotations

import asyncio
import dataclasses
import gzip
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from kubemu.errors import BadImage, ImageError
from kubemu.images.pull import Pulled, Puller, PullPolicy, Wanted
from kubemu.images.reference import parse_reference
from kubemu.images.skopeo import Registry as Talk
from kubemu.images.skopeo import find_skopeo
from kubemu.images.store import Store

DISK = b"disk" * 100


@dataclasses.dataclass
class Meter:
    """Remembers what a pull reported."""

    said: list[str] = dataclasses.field(default_factory=list)
    started: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)

    def start(self, name: str, total: int) -> None:
        self.started.set()
        self.said.append(f"start {total > 0}")

    def advance(self, name: str, done: int) -> None:
        pass

    def unpack(self, name: str) -> None:
        self.said.append("unpack")

    def finish(self, name: str) -> None:
        self.said.append("finish")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bench:
    """A store, and pulls into it."""

    folder: Path
    environment: Mapping[str, str]
    meter: Meter = dataclasses.field(default_factory=Meter)

    @property
    def store(self) -> Store:
        return Store(folder=self.folder)

    def puller(self, talk: Talk) -> Puller:
        return Puller(
            store=self.store, skopeo=find_skopeo(self.environment, talk), meter=self.meter
        )

    async def pull(
        self, name: str, policy: PullPolicy = PullPolicy.ALWAYS, talk: Talk | None = None
    ) -> Pulled:
        reference = parse_reference(name)
        wanted = Wanted(source=reference.source, name=name, reference=reference, policy=policy)
        return await self.puller(talk or Talk()).pull(wanted)

    async def open(self, source: str) -> Pulled:
        return await self.puller(Talk()).pull(Wanted(source=source, name=source))


@pytest.fixture
def bench(tmp_path: Path, environment: Mapping[str, str]) -> Bench:
    return Bench(folder=tmp_path / "images", environment=environment)


async def _run(*command: str) -> int:
    process = await asyncio.create_subprocess_exec(*command)
    return await process.wait()


def files(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


async def test_an_image_is_pulled_once_and_found_again(
    registry: Any, kit: Any, bench: Bench
) -> None:
    name = registry.push(kit.image({"disk/vm.img": DISK}), "once:1")
    first = await bench.pull(name)
    again = await bench.pull(name)
    assert files(first.root) == {"disk/vm.img": DISK}
    assert again == first
    assert bench.meter.said == ["start True", "unpack", "finish"]
    assert list((bench.folder / "work").iterdir()) == []


async def test_a_moved_tag_is_followed_when_the_policy_asks(
    registry: Any, kit: Any, bench: Bench
) -> None:
    name = registry.push(kit.image({"disk/vm.img": b"old"}), "moved:1")
    await bench.pull(name)
    registry.push(kit.image({"disk/vm.img": b"new"}), "moved:1")
    missing = await bench.pull(name, PullPolicy.MISSING)
    never = await bench.pull(name, PullPolicy.NEVER)
    always = await bench.pull(name, PullPolicy.ALWAYS)
    assert [files(found.root)["disk/vm.img"] for found in (missing, never, always)] == [
        b"old",
        b"old",
        b"new",
    ]


async def test_never_refuses_what_is_not_here(bench: Bench) -> None:
    with pytest.raises(ImageError, match="is not in the cache, and pulling is turned off"):
        await bench.pull("127.0.0.1:1/x:1", PullPolicy.NEVER)


async def test_two_pulls_of_one_image_are_one(registry: Any, kit: Any, bench: Bench) -> None:
    name = registry.push(kit.image({"disk/vm.img": os.urandom(1 << 20)}), "twice:1")
    one, two = await asyncio.gather(bench.pull(name), bench.pull(name))
    assert (one, bench.meter.said.count("unpack")) == (two, 1)


async def test_layers_in_every_compression(registry: Any, kit: Any, bench: Bench) -> None:
    found = []
    for index, compress in enumerate((gzip.compress, kit.zstd, bytes)):
        layout = kit.layout()
        layers = [kit.layer({"disk/vm.img": b"old", "x": b"1"}), kit.layer({"disk/vm.img": DISK})]
        layout.index(layout.image(layers, compress))
        pulled = await bench.open(f"oci:{layout.folder}")
        found.append(files(pulled.root))
        registry.push(layout.folder, f"compressed:{index}")
        await bench.pull(f"{registry.address}/compressed:{index}")
    assert found == [{"disk/vm.img": DISK, "x": b"1"}] * 3


async def test_this_machines_image_of_a_list_is_taken(
    registry: Any, kit: Any, bench: Bench
) -> None:
    layout = kit.layout()
    machine = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
    images = [
        layout.image(
            [kit.layer({"disk/vm.img": architecture.encode()})], gzip.compress, architecture
        )
        for architecture in ("s390x", "arm64", "amd64")
    ]
    data = (layout.index(*images) / "index.json").read_bytes()
    descriptor = layout.blob(data, "application/vnd.oci.image.index.v1+json")
    layout.index(descriptor)
    name = registry.push(layout.folder, "list:1", "--all")
    pulled = await bench.pull(name)
    assert files(pulled.root) == {"disk/vm.img": machine.encode()}


async def test_dockers_own_format_and_archives(
    registry: Any, kit: Any, bench: Bench, tmp_path: Path
) -> None:
    layout = kit.image({"disk/vm.img": DISK})
    name = registry.push(layout, "v2s2:1", "--format=v2s2")
    sources = [f"docker-archive:{tmp_path}/docker.tar", f"oci-archive:{tmp_path}/oci.tar"]
    for source in sources:
        await _run("skopeo", "copy", "-q", f"oci:{layout}", source)
    found = [await bench.pull(name), *[await bench.open(source) for source in sources]]
    assert [files(pulled.root) for pulled in found] == [{"disk/vm.img": DISK}] * 3


async def test_a_login_is_needed_and_taken(private_registry: Any, kit: Any, bench: Bench) -> None:
    name = private_registry.push(kit.image({"disk/vm.img": DISK}), "secret:1")
    with pytest.raises(ImageError, match="the registry refuses to give") as caught:
        await bench.pull(name)
    pulled = await bench.pull(name, talk=Talk(authfile=private_registry.authfile))
    reference = parse_reference(name)
    login = private_registry.authfile.read_bytes()
    wanted = Wanted(source=reference.source, name=name, reference=reference, login=login)
    assert await bench.puller(Talk()).pull(wanted) == pulled
    assert "--registry-config" in caught.value.hint
    assert files(pulled.root) == {"disk/vm.img": DISK}


async def test_what_cannot_be_pulled_is_one_sentence(
    registry: Any, kit: Any, bench: Bench, tmp_path: Path
) -> None:
    registry.push(kit.image({"a": b"b"}), "there:1")
    here = registry.address
    sentences = []
    for name, talk in (
        (f"{here}/there:2", None),
        (f"{here}/nothere:1", None),
        ("127.0.0.1:1/x:1", None),
        ("no-such-host.invalid/x:1", None),
        (f"{here}/there:1", Talk(tls_verify=True)),
    ):
        with pytest.raises(ImageError) as caught:
            await bench.pull(name, talk=talk)
        sentences.append(str(caught.value))
    with pytest.raises(ImageError) as caught:
        await bench.open(f"oci-archive:{tmp_path}/missing.tar")
    sentences.append(str(caught.value))
    assert sentences == [
        f"there is no image {here}/there:2",
        f"there is no image {here}/nothere:1",
        "the registry of 127.0.0.1:1/x:1 does not answer",
        "the registry of no-such-host.invalid/x:1 has no address",
        f"the registry of {here}/there:1 does not speak TLS",
        f"there is no image at oci-archive:{tmp_path}/missing.tar",
    ]
    assert not (bench.folder / "by-digest").exists()


async def test_a_hostile_layer_leaves_nothing(registry: Any, kit: Any, bench: Bench) -> None:
    name = registry.push(kit.image({"../../evil": b"x"}), "evil:1")
    with pytest.raises(BadImage, match=r"evil:1: a layer has a file named"):
        await bench.pull(name)
    assert [path for path in bench.folder.rglob("*") if path.is_file()] == []


async def test_a_layer_that_is_no_archive_is_refused(registry: Any, kit: Any, bench: Bench) -> None:
    layout = kit.layout()
    layout.index(layout.image([b"<html>" * 1000]))
    with pytest.raises(BadImage, match="is no tar archive"):
        await bench.pull(registry.push(layout.folder, "html:1"))


async def test_a_killed_pull_does_not_block_the_next(
    registry: Any, kit: Any, bench: Bench, tmp_path: Path
) -> None:
    name = registry.push(kit.image({"disk/vm.img": os.urandom(8 << 20)}), "killed:1")
    program = (
        "import asyncio, pathlib, sys, os\n"
        "from kubemu.images.pull import Puller, Wanted\n"
        "from kubemu.images.reference import parse_reference\n"
        "from kubemu.images.skopeo import Registry, find_skopeo\n"
        "from kubemu.images.store import Store\n"
        "class Meter:\n"
        "    def start(self, name, total): pass\n"
        "    def advance(self, name, done): pass\n"
        "    def unpack(self, name): os.kill(os.getpid(), 9)\n"
        "reference = parse_reference(sys.argv[2])\n"
        "wanted = Wanted(source=reference.source, name=reference.text, reference=reference)\n"
        "skopeo = find_skopeo(os.environ, Registry())\n"
        "store = Store(folder=pathlib.Path(sys.argv[1]))\n"
        "asyncio.run(Puller(store=store, skopeo=skopeo, meter=Meter()).pull(wanted))\n"
    )
    status = await _run(sys.executable, "-c", program, str(bench.folder), name)
    left = len(list((bench.folder / "work").iterdir()))
    pulled = await bench.pull(name)
    assert (status, left) == (-signal.SIGKILL, 1)
    assert list(files(pulled.root)) == ["disk/vm.img"]
    assert list((bench.folder / "work").iterdir()) == []


async def test_a_cancelled_pull_leaves_no_process(registry: Any, kit: Any, bench: Bench) -> None:
    name = registry.push(kit.image({"disk/vm.img": os.urandom(8 << 20)}), "cancelled:1")
    task = asyncio.create_task(bench.pull(name))
    await bench.meter.started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert list((bench.folder / "work").iterdir()) == []
