"""A log on disk that cannot grow: two files, the newer replaces the older when it is full."""

from __future__ import annotations

import logging
import os

_log = logging.getLogger("virtlauncher.console")


class BoundedLog:
    """`path` and `path.1`, together at most `limit` bytes.

    A disk that refuses is no reason to stop. Opened at the first write, and
    never through a link.
    """

    def __init__(self, path: str, limit: int) -> None:
        self._path = path
        self._half = max(limit // 2, 1)
        self._number = -1
        self._size = 0
        self._failed = False

    def write(self, data: bytes) -> None:
        try:
            while data:
                room = self._room()
                written = os.write(self._number, data[:room])
                self._size += written
                data = data[written:]
            self._failed = False
        except OSError as error:
            if not self._failed:
                _log.warning("%s is not written: %s", self._path, error.strerror)
            self._failed = True
            self.close()

    def close(self) -> None:
        if self._number >= 0:
            os.close(self._number)
            self._number = -1

    def _room(self) -> int:
        if self._number < 0:
            self._open()
        if self._size >= self._half:
            self.close()
            os.replace(self._path, f"{self._path}.1")
            self._open()
        return self._half - self._size

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        self._number = os.open(self._path, flags, 0o600)
        self._size = os.fstat(self._number).st_size
