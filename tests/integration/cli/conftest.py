"""A real registry on a free port, and images made by hand to put in it."""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from images import packing
from images.registry import start_registry

USER_AND_HASH = "kubemu:$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a"
"""The user kubemu with the password 'secret'."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Registry:
    """A registry that runs: its address, and a file with the login for it."""

    address: str
    authfile: Path

    def push(self, layout: Path, name: str, *flags: str) -> str:
        """Puts the image of an OCI layout there; its reference."""
        reference = f"{self.address}/{name}"
        subprocess.run(
            [
                *("skopeo", "copy", "-q", "--dest-tls-verify=false"),
                f"--dest-authfile={self.authfile}",
                *flags,
                f"oci:{layout}",
                f"docker://{reference}",
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        return reference

    def fetch(self, reference: str, target: str) -> None:
        """Copies an image out of the registry."""
        subprocess.run(
            ["skopeo", "copy", "-q", "--src-tls-verify=false", f"docker://{reference}", target],
            check=True,
            stdout=subprocess.DEVNULL,
        )


@contextlib.contextmanager
def _serve(folder: Path, htpasswd: Path | None = None) -> Iterator[Registry]:
    with start_registry(folder / "data", htpasswd=htpasswd) as address:
        authfile = folder / "auth.json"
        authfile.write_text(json.dumps({"auths": {address: {"auth": "a3ViZW11OnNlY3JldA=="}}}))
        yield Registry(address=address, authfile=authfile)


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with _serve(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture
def private_registry(tmp_path: Path) -> Iterator[Registry]:
    folder = tmp_path / "private"
    folder.mkdir()
    htpasswd = folder / "htpasswd"
    htpasswd.write_text(USER_AND_HASH + "\n")
    with _serve(folder, htpasswd) as found:
        yield found


def a_layer(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.uid, info.gid = len(content), 0o440, 107, 107
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def a_link(name: str, target: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = tarfile.SYMTYPE, target
        archive.addfile(info)
    return buffer.getvalue()


def zstd(data: bytes) -> bytes:
    return subprocess.run(
        ["zstd", "-q", "-c"], input=data, stdout=subprocess.PIPE, check=True
    ).stdout


class Layout:
    """An OCI image layout, written blob by blob."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "blobs" / "sha256").mkdir(parents=True)
        (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')

    def blob(self, data: bytes, media_type: str) -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        (self.folder / "blobs" / "sha256" / digest).write_bytes(data)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}

    def image(
        self,
        layers: Sequence[bytes],
        compress: Callable[[bytes], bytes] = gzip.compress,
        architecture: str = "amd64",
    ) -> dict[str, Any]:
        """Adds an image; its descriptor."""
        kind = "+gzip" if compress is gzip.compress else "+zstd" if compress is zstd else ""
        config = {
            "architecture": architecture,
            "os": "linux",
            "rootfs": {
                "type": "layers",
                "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers],
            },
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": self.blob(
                json.dumps(config).encode(), "application/vnd.oci.image.config.v1+json"
            ),
            "layers": [
                self.blob(compress(layer), f"application/vnd.oci.image.layer.v1.tar{kind}")
                for layer in layers
            ],
        }
        descriptor = self.blob(
            json.dumps(manifest).encode(), "application/vnd.oci.image.manifest.v1+json"
        )
        return {**descriptor, "platform": {"os": "linux", "architecture": architecture}}

    def index(self, *manifests: dict[str, Any]) -> Path:
        """Writes the index; the layout is done."""
        (self.folder / "index.json").write_text(
            json.dumps(
                {
                    "schemaVersion": 2,
                    "mediaType": "application/vnd.oci.image.index.v1+json",
                    "manifests": list(manifests),
                }
            )
        )
        return self.folder


class Kit:
    """What tests make images with: they cannot import this file."""

    layer = staticmethod(a_layer)
    link = staticmethod(a_link)
    zstd = staticmethod(zstd)

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    def layout(self) -> Layout:
        """An empty layout."""
        self._count += 1
        return Layout(self._folder / f"layout{self._count}")

    def image(self, files: Mapping[str, bytes]) -> Path:
        """The layout of an image of one layer."""
        layout = self.layout()
        return layout.index(layout.image([a_layer(files)]))


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return Kit(tmp_path)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment in which nothing of the tester's own is found or changed."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ}
    folders = {
        "HOME": "home",
        "XDG_RUNTIME_DIR": "run",
        "XDG_STATE_HOME": "state",
        "XDG_CACHE_HOME": "cache",
    }
    for name in folders.values():
        (tmp_path / name).mkdir(mode=0o700)
    return kept | {variable: str(tmp_path / name) for variable, name in folders.items()}


class Session:
    """A `kubemu` that runs, and what it has said so far."""

    def __init__(
        self, arguments: Sequence[str], environment: Mapping[str, str], **how: Any
    ) -> None:
        self.arguments = arguments
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kubemu", *arguments],
            env=dict(environment),
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE} | how,
            stderr=subprocess.PIPE,
        )
        self._said: dict[str, bytearray] = {"out": bytearray(), "err": bytearray()}
        self._news = threading.Condition()
        self._readers = [
            threading.Thread(target=self._read, args=(name, stream), daemon=True)
            for name, stream in (("out", self.process.stdout), ("err", self.process.stderr))
            if stream is not None
        ]
        for reader in self._readers:
            reader.start()

    @property
    def out(self) -> str:
        return self._said["out"].decode(errors="replace")

    @property
    def err(self) -> str:
        return self._said["err"].decode(errors="replace")

    def wait_for(self, text: str, where: str = "out", limit: float = 100) -> None:
        """Until it has said `text`."""
        with self._news:
            found = self._news.wait_for(
                lambda: text.encode() in self._said[where] or self._over(), limit
            )
        assert text in self._said[where].decode(errors="replace"), (found, self.out, self.err)

    def end(self, limit: float = 100) -> int:
        """Its exit status, once it has ended."""
        status = self.process.wait(limit)
        for reader in self._readers:
            reader.join(limit)
        return status

    def _over(self) -> bool:
        return not any(reader.is_alive() for reader in self._readers)

    def _read(self, name: str, stream: Any) -> None:
        with stream:
            while data := os.read(stream.fileno(), 65536):
                with self._news:
                    self._said[name] += data
                    self._news.notify_all()
        with self._news:
            self._news.notify_all()


class Kubemu:
    """The command line, in folders of its own; everything it starts is ended with the test."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self.environment = environment
        self.folder = folder
        self._sessions: list[Session] = []

    def start(self, *arguments: str, **how: Any) -> Session:
        session = Session(arguments, {**self.environment, **how.pop("env", {})}, **how)
        self._sessions.append(session)
        return session

    def run(self, *arguments: str, **how: Any) -> Session:
        """A command that ends by itself."""
        session = self.start(*arguments, **how)
        session.end()
        return session

    def ps(self) -> dict[str, dict[str, Any]]:
        """What `ps` shows, by name."""
        listed: list[dict[str, Any]] = json.loads(self.run("ps", "--output", "json").out)
        return {f"{vm['namespace']}/{vm['name']}": vm for vm in listed}

    def launcher_pid(self, name: str) -> int:
        path = Path(self.environment["XDG_STATE_HOME"]) / "kubemu/vms" / name / "state.json"
        pid: int = json.loads(path.read_text())["launcher"]["pid"]
        return pid

    def left(self) -> list[str]:
        """Files and folders of VMs, below both state and runtime folders."""
        roots = (
            Path(self.environment["XDG_STATE_HOME"]) / "kubemu/vms",
            Path(self.environment["XDG_RUNTIME_DIR"]) / "kubemu",
        )
        return sorted(str(path.relative_to(root)) for root in roots for path in root.rglob("*"))

    def write(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def close(self) -> None:
        """Shows what was said (pytest prints it when the test failed), and ends what is left."""
        for session in self._sessions:
            if session.process.poll() is None:
                session.process.kill()
                session.process.wait()
            print("$ kubemu", *session.arguments, f"-> {session.process.returncode}")
            print(session.out, session.err, sep="\n")
        for name in self.ps():
            print(self.run("logs", name).out)
            self.run("delete", name, "--grace", "0")


@pytest.fixture
def kubemu(environment: dict[str, str], tmp_path: Path) -> Iterator[Kubemu]:
    (tmp_path / "work").mkdir()
    found = Kubemu(environment, tmp_path / "work")
    yield found
    found.close()


@pytest.fixture(scope="session")
def tiny(registry: Registry) -> str:
    """The tiny guest in the registry; its name there."""
    [name] = packing.publish(
        [packing.ImageName.TINY], registry.address, prefix="kubemu", tag="devel", cache=None
    )
    return name


@pytest.fixture
def manifest(kubemu: Kubemu, tiny: str) -> Callable[..., str]:
    """Writes a manifest of a tiny VM that runs a script; its path."""

    def write(script: str, name: str = "tiny", **changes: Any) -> str:
        spec = {
            "terminationGracePeriodSeconds": 30,
            "domain": {
                "memory": {"guest": "128Mi"},
                "devices": {
                    "disks": [
                        {"name": "root", "disk": {"bus": "virtio"}},
                        {"name": "seed", "disk": {"bus": "virtio"}},
                    ],
                    "interfaces": [
                        {
                            "name": "default",
                            "masquerade": {},
                            "ports": [{"port": 80}, {"port": 7, "protocol": "UDP"}],
                        }
                    ],
                },
            },
            "networks": [{"name": "default", "pod": {}}],
            "volumes": [
                {"name": "root", "containerDisk": {"image": tiny}},
                {"name": "seed", "cloudInitNoCloud": {"userData": f"#!/bin/sh\n{script}\n"}},
            ],
        }
        tree = {
            "apiVersion": "kubevirt.io/v1",
            "kind": "VirtualMachineInstance",
            "metadata": {"name": name},
            "spec": spec | changes,
        }
        return kubemu.write(f"{name}.yaml", json.dumps(tree))

    return write
