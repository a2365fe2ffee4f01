"""How QEMU does a disk's I/O: past the page cache or through it, and by which system calls.

Both are decided before a disk is opened, because QEMU takes a descriptor only if its O_DIRECT
matches. What is possible is found out by trying: QEMU's own fallback from io_uring is silent.
"""

from __future__ import annotations

import ctypes
import functools
import os
from collections.abc import Collection, Sequence
from enum import StrEnum

from virtcrds import ...
