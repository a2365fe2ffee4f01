"""Debian packages as files: found, fetched and unpacked, nothing installed and no root needed.

The suite and the sources are this machine's own; the lists are ours, kept in the cache. So what a
guest is made of changes when the lists are refreshed, not with every `apt-get update` here.
"""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from pathlib import Path

from images.cache import exclusive, file_digest, say


class PackageError(Exception):
    """apt could not do what was asked; the message has its last words."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Package:
    """One package file in an archive."""

    name: str
    file_name: str
    sha256: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Source:
    """One archive that apt uses here: address, suite and component."""

    uri: str
    suite: str
    component: str

    def line(self) -> str:
        """The entry as sources.list has it."""
        return f"deb {self.uri} {self.suite} {self.component}"


@dataclasses.dataclass(frozen=True)
class Apt:
    """apt with its lists and its downloads below `root`."""

    root: Path

    def refresh(self) -> None:
        """Fetch the package lists anew."""
        say("reading Debian's package lists")
        self._run("apt-get", "update", "-qq")

    def ensure_lists(self) -> None:
        """Fetch the package lists unless they are there."""
        with exclusive(self.root / ".lock"):
            if not any(self.lists.glob("*Packages*")):
                self.refresh()

    def sources(self) -> list[Source]:
        """The archives of binary packages that this machine's apt is configured for."""
        form = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
        lines = self._run("apt-get", "indextargets", "--format", form, "Created-By: Packages")
        fields = [line.split() for line in dict.fromkeys(lines.splitlines())]
        return [Source(uri=uri, suite=suite, component=part) for uri, suite, part in fields]

    def dependency(self, package: str, prefix: str) -> str:
        """The package that a meta package depends on, by the beginning of its name."""
        lines = self._run("apt-cache", "depends", package).splitlines()
        names = [line.split()[-1] for line in lines if line.strip().startswith("Depends:")]
        found = [name for name in names if name.startswith(prefix)]
        if not found:
            raise PackageError(f"{package} depends on no package named {prefix}…: {names}")
        return found[0]

    def find(self, *names: str) -> list[Package]:
        """The newest packages of these names."""
        lines = self._run("apt-get", "download", "--print-uris", *names).splitlines()
        return [_parse_uri_line(line) for line in lines if line.startswith("'")]

    def installation(self, *names: str) -> list[str]:
        """What an empty system would get with these packages: a line with a checksum for each."""
        nothing = self.root / "nothing"
        nothing.touch()
        options = (f"-oDir::State::status={nothing}", "-oAPT::Install-Recommends=false")
        command = ("apt-get", "install", "--print-uris", "-qq", *options, "?essential", *names)
        return sorted(line for line in self._run(*command).splitlines() if line.startswith("'"))

    def unpack(self, package: Package, into: Path) -> None:
        """Download a package unless it was before, and unpack its files below `into`."""
        archive = self.root / "packages" / package.file_name
        if not (archive.is_file() and file_digest(archive) == package.sha256):
            self._download(package, archive)
        into.mkdir(parents=True, exist_ok=True)
        subprocess.run(["dpkg-deb", "-x", archive, into], check=True)

    def _download(self, package: Package, archive: Path) -> None:
        say(f"downloading {package.file_name}")
        folder = self.root / "download" / package.name
        folder.mkdir(parents=True, exist_ok=True)
        try:
            self._run("apt-get", "download", "-qq", package.name, folder=folder)
            (fetched,) = folder.glob("*.deb")
            if file_digest(fetched) != package.sha256:
                raise PackageError(f"{fetched.name} is not the file that the lists promised")
            archive.parent.mkdir(exist_ok=True)
            fetched.rename(archive)
        finally:
            shutil.rmtree(folder)

    @property
    def lists(self) -> Path:
        """The folder of the package lists."""
        return self.root / "lists"

    def _run(self, *command: str, folder: Path | None = None) -> str:
        for needed in (self.lists / "partial", self.root / "archives" / "partial"):
            needed.mkdir(parents=True, exist_ok=True)
        program, *arguments = command
        options = {
            "Dir::State::Lists": self.lists,
            "Dir::Cache": self.root,
            "Debug::NoLocking": "true",
            # Root is told off for downloading into a folder that _apt cannot enter.
            "APT::Sandbox::User": "root",
        }
        done = subprocess.run(
            [program, *(f"-o{key}={value}" for key, value in options.items()), *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"},
        )
        if done.returncode != 0:
            words = " ".join(done.stderr.split()[-60:])
            raise PackageError(f"{' '.join(command)}: {words}")
        return done.stdout


def _parse_uri_line(line: str) -> Package:
    """`'ADDRESS' FILE SIZE SHA256:HEX`, as `apt-get download --print-uris` prints it."""
    _, file_name, _, checksum = line.split()
    kind, _, value = checksum.partition(":")
    if kind != "SHA256":
        raise PackageError(f"{file_name}: the lists name no SHA-256 but {kind}")
    return Package(name=file_name.split("_")[0], file_name=file_name, sha256=value)
