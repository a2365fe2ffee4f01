"""skopeo as a child process: manifests and copies, and its many words as our few sentences."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..errors import ImageError
from .reference import Reference, hostname_of, is_loopback

_STDERR_LIMIT = 64 * 1024


@dataclasses.dataclass(frozen=True, kw_only=True)
class Registry:
    """How registries are talked to: the flags of `kubemu run`."""

    authfile: Path | None = None
    """Logins, as `podman login` and `docker login` write them; skopeo's own places otherwise."""
    tls_verify: bool | None = None
    """None: yes, except for registries on this machine."""
    mirrors: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """A registry's HOST:PORT -> where its images are fetched from instead."""

    def mirrored(self, source: str, reference: Reference) -> tuple[str, str]:
        """skopeo's name of the image where it is fetched, and that host's name."""
        mirror = self.mirrors.get(reference.host)
        if mirror is None:
            return source, reference.hostname
        rest = source.removeprefix(f"docker://{reference.host}/")
        return f"docker://{mirror}/{rest}", hostname_of(mirror)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Skopeo:
    """One binary with one environment."""

    binary: str
    env: Mapping[str, str]
    registry: Registry

    async def manifest(self, source: str, reference: Reference | None) -> bytes:
        """The manifest (or list of manifests) as the registry has it. Raises ImageError."""
        flags, source = self._flags(source, reference, "")
        return await self._run("inspect", "--raw", *flags, source, reference=reference)

    async def copy(self, source: str, layout: Path, reference: Reference | None) -> None:
        """Copies an image into a fresh OCI layout, this machine's platform of it."""
        flags, source = self._flags(source, reference, "src-")
        await self._run(
            "copy",
            "--quiet",
            "--dest-oci-accept-uncompressed-layers",
            *flags,
            source,
            f"oci:{layout}:image",
            reference=reference,
        )

    @contextlib.contextmanager
    def logged_in(self, login: bytes) -> Iterator[Skopeo]:
        """With a login of the manifest's, unless the command line gave one."""
        if not login or self.registry.authfile is not None:
            yield self
            return
        with tempfile.NamedTemporaryFile(prefix="kubemu-login-") as file:  # Mode 0600.
            file.write(login)
            file.flush()
            registry = dataclasses.replace(self.registry, authfile=Path(file.name))
            yield dataclasses.replace(self, registry=registry)

    def place(self, source: str, reference: Reference | None) -> str:
        """Where the image is really fetched from: what the cache knows it by."""
        return source if reference is None else self.registry.mirrored(source, reference)[0]

    def _flags(self, source: str, reference: Reference | None, side: str) -> tuple[list[str], str]:
        if reference is None:
            return [], source
        source, hostname = self.registry.mirrored(source, reference)
        flags = []
        if self.registry.authfile is not None:
            flags.append(f"--{side}authfile={self.registry.authfile}")
        verify = self.registry.tls_verify
        if verify is None and is_loopback(hostname):
            verify = False
        if verify is not None:
            flags.append(f"--{side}tls-verify={str(verify).lower()}")
        return flags, source

    async def _run(self, *arguments: str, reference: Reference | None) -> bytes:
        process = await asyncio.create_subprocess_exec(
            self.binary,
            *arguments,
            env={**self.env, "LC_ALL": "C"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            # A Ctrl+C of the terminal is for kubemu alone, which ends its children itself.
            start_new_session=True,
        )
        try:
            output, said = await process.communicate()
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode != 0:
            text = said[-_STDERR_LIMIT:].decode(errors="replace")
            raise explain_failure(text, reference.text if reference else arguments[-1])
        return output


def find_skopeo(env: Mapping[str, str], registry: Registry) -> Skopeo:
    binary = shutil.which("skopeo", path=env.get("PATH"))
    if binary is None:
        raise ImageError(
            "skopeo, which pulls images, is not installed", hint="install the package skopeo"
        )
    return Skopeo(binary=binary, env=env, registry=registry)


@dataclasses.dataclass(frozen=True)
class _Cause:
    words: re.Pattern[str]
    message: str
    hint: str


def _cause(words: str, message: str, hint: str) -> _Cause:
    return _Cause(re.compile(words, re.IGNORECASE), message, hint)


_CAUSES = (
    _cause(
        r"server gave HTTP response to HTTPS client",
        "the registry of {image} does not speak TLS",
        "--no-tls-verify, if that registry is to be trusted",
    ),
    _cause(
        r"x509:|certificate",
        "the certificate of the registry of {image} is not trusted",
        "install its CA, or --no-tls-verify",
    ),
    _cause(
        r"manifest unknown|name unknown|repository name not known|not found|404",
        "there is no image {image}",
        "check its name and tag",
    ),
    _cause(
        r"unauthorized|authentication required|denied|403|401",
        "the registry refuses to give {image}",
        "it may be private or not exist: log in, or give --registry-config FILE",
    ),
    _cause(
        r"no such host|server misbehaving|name resolution",
        "the registry of {image} has no address",
        "check its name",
    ),
    _cause(
        r"connection refused|no route to host|network is unreachable|i/o timeout|deadline exceeded"
        r"|connection reset",
        "the registry of {image} does not answer",
        "is it running, and is there a network?",
    ),
    _cause(
        r"no image found in (manifest list|image index) for architecture",
        "{image} has no image for this machine's architecture",
        "",
    ),
    _cause(r"no space left on device", "there is no space left to pull {image}", "free some"),
    _cause(
        r"no such file or directory|is not a directory|open .*index\.json",
        "there is no image at {image}",
        "check the path",
    ),
)
"""First match wins. skopeo has one exit status for everything, so its words must do."""


def explain_failure(said: str, image: str) -> ImageError:
    """What skopeo's stderr means; what we do not know is shown in its own last words."""
    for cause in _CAUSES:
        if cause.words.search(said):
            return ImageError(cause.message.format(image=image), hint=cause.hint)
    return ImageError(f"{image} could not be pulled: {_last_words(said)}")


def _last_words(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    last = lines[-1] if lines else "skopeo said nothing"
    match = re.search(r'msg="(.*)"$', last)
    return (match[1].replace('\\"', '"') if match else last)[:500]
