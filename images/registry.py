"""A local OCI registry: Debian's docker-registry on a loopback port, for `make run` and the tests.

By hand: `python -m images.registry serve [--port N]`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from .cache import cache_root

_LISTENING = re.compile(r"listening on 127\.0\.0\.1:(\d+)")
_START_LIMIT = 30.0


class RegistryError(Exception):
    """The registry did not start; the message has its last words."""


@contextlib.contextmanager
def start_registry(
    storage: Path | None = None, port: int = 0, htpasswd: Path | None = None
) -> Iterator[str]:
    """Run a registry and yield its address, `localhost:PORT`; it ends with the block, or with us.

    Port 0 takes a free one. What was pushed stays in `storage` (by default in the cache). With
    `htpasswd`, a file of users and bcrypt hashes, only they get in.
    """
    root = storage or cache_root() / "registry"
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kubemu-registry-") as name:
        config, log = Path(name) / "config.json", Path(name) / "log"
        # YAML is a superset of JSON.
        config.write_text(json.dumps(_config(root, port, htpasswd)))
        with log.open("w") as output, _process(config, output) as process:
            address = f"localhost:{_wait_for_port(process, log)}"
            _check_answers(address, 200 if htpasswd is None else 401)
            yield address


def _config(storage: Path, port: int, htpasswd: Path | None) -> dict[str, object]:
    login = {"htpasswd": {"realm": "kubemu", "path": str(htpasswd)}}
    return {
        **({} if htpasswd is None else {"auth": login}),
        "version": "0.1",
        "log": {"level": "info", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(storage)},
            "delete": {"enabled": True},
            "maintenance": {"uploadpurging": {"enabled": False}},
        },
        "http": {"addr": f"127.0.0.1:{port}"},
    }


@contextlib.contextmanager
def _process(config: Path, output: IO[str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        # setpriv: a killed parent must not leave a registry behind.
        ["setpriv", "--pdeathsig", "TERM", "docker-registry", "serve", str(config)],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for_port(process: subprocess.Popen[str], log: Path) -> int:
    """The port that the registry logs once it listens: none is guessed, so none can be taken."""
    deadline = time.monotonic() + _START_LIMIT
    while time.monotonic() < deadline:
        text = log.read_text()
        if found := _LISTENING.search(text):
            return int(found[1])
        if process.poll() is not None:
            raise RegistryError(f"docker-registry ended with {process.returncode}: {text[-500:]}")
        time.sleep(0.02)
    raise RegistryError(f"docker-registry does not listen after {_START_LIMIT:.0f} s")


def _check_answers(address: str, wanted: int) -> None:
    try:
        with urllib.request.urlopen(f"http://{address}/v2/", timeout=_START_LIMIT) as answer:
            status = answer.status
    except urllib.error.HTTPError as error:
        with error:
            status = error.code
    if status != wanted:
        raise RegistryError(f"docker-registry answers {status}")


def main() -> None:
    """Serve until SIGINT or SIGTERM; the address is the first line on stdout."""
    parser = argparse.ArgumentParser(prog="python -m images.registry", description=__doc__)
    commands = parser.add_subparsers(required=True)
    serve = commands.add_parser("serve", help="run the registry until interrupted")
    serve.add_argument(
        "--port", type=int, default=0, help="port on 127.0.0.1 (default: a free one)"
    )
    serve.add_argument("--storage", type=Path, help="folder of the images (default: in the cache)")
    options = parser.parse_args()
    signals = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    with start_registry(options.storage, options.port) as address:
        print(address, flush=True)
        signal.sigwait(signals)


if __name__ == "__main__":
    main()
