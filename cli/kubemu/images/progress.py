"""How far a pull is: bytes on disk against the sizes in the manifest."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import rich.console
import rich.progress


class Meter(Protocol):
    """What a pull reports to."""

    def start(self, name: str, total: int) -> None: ...
    def advance(self, name: str, done: int) -> None: ...
    def unpack(self, name: str) -> None: ...
    def finish(self, name: str) -> None: ...


class Lines:
    """For logs and pipes: a line when a pull begins, one when it has ended."""

    def __init__(self, console: rich.console.Console) -> None:
        self._console = console

    def start(self, name: str, total: int) -> None:
        self._say(f"pulling {name} ({_size(total)})")

    def advance(self, name: str, done: int) -> None:
        pass

    def unpack(self, name: str) -> None:
        pass

    def finish(self, name: str) -> None:
        self._say(f"pulled {name}")

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


@dataclasses.dataclass
class Bars:
    """For people: a bar for each image."""

    progress: rich.progress.Progress
    tasks: dict[str, rich.progress.TaskID] = dataclasses.field(default_factory=dict)

    def start(self, name: str, total: int) -> None:
        self.tasks[name] = self.progress.add_task(f"pulling {name}", total=total)

    def advance(self, name: str, done: int) -> None:
        self.progress.update(self.tasks[name], completed=done)

    def unpack(self, name: str) -> None:
        self.progress.update(self.tasks[name], description=f"unpacking {name}", total=None)

    def finish(self, name: str) -> None:
        self.progress.update(
            self.tasks[name], description=f"pulled {name}", total=1, completed=1, visible=False
        )


@contextlib.contextmanager
def show_progress(console: rich.console.Console) -> Iterator[Meter]:
    if not console.is_terminal:
        yield Lines(console)
        return
    columns = (
        rich.progress.TextColumn("{task.description}", markup=False),
        rich.progress.BarColumn(),
        rich.progress.DownloadColumn(),
        rich.progress.TransferSpeedColumn(),
    )
    with rich.progress.Progress(*columns, console=console, transient=True) as progress:
        yield Bars(progress)


def measure(folder: Path) -> int:
    """Bytes of the files below a folder that is being written."""
    total = 0
    for path in folder.rglob("*"):  # Folders count little, and are not worth a second look.
        with contextlib.suppress(FileNotFoundError):
            total += path.lstat().st_size
    return total


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count else "size unknown"
