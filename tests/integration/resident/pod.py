"""What a launcher finds in its pod, made of namespaces: it is the first process, unprivileged, and
its root file system is read-only. No container runtime, so that a test sees and reaches everything.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

UID = 107
_ROOT = Path(__file__).parents[3]
_NEEDED = ("/usr", "/etc", sys.base_prefix, str(_ROOT))
"""What the launcher is made of, here; its folders are open to all in the pod."""
_ENTER = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "bash", "-euc")
_INSIDE = r"""
root=/mnt
mount -t tmpfs -o mode=755 none $root
cp -a /bin /lib /lib64 $root
mkdir -p $root/tmp
mount -t tmpfs none $root/tmp  # First of all: what is needed may be below it.
for path in $NEEDED; do
    mkdir -p "$root$path"
    mount --rbind "$path" "$root$path"
done
mkdir -p $root/proc $root/dev $root/run/kubemu
mount -t proc none $root/proc
for node in null zero full random urandom; do
    touch $root/dev/$node
    mount --bind /dev/$node $root/dev/$node
done
touch $root/dev/termination-log
mount --bind "$POD/termination-log" $root/dev/termination-log
mount --bind "$POD/run" $root/run/kubemu
mount --bind "$POD/sockets" $root/run/kubemu/sockets
mount --bind "$POD/disks" $root/run/kubemu/disks
mount -o remount,ro $root
exec chroot $root setpriv --reuid=107 --regid=107 --groups=107 --no-new-privs \
    --bounding-set=-all --inh-caps=-all -- "$@"
"""


def make(folder: Path) -> None:
    """The pod's volumes, as the kubelet makes emptyDirs: root's, open to the pod's group."""
    for name in ("run", "run/sockets", "run/disks", "sockets", "disks"):
        path = folder / name
        path.mkdir(parents=True)
        os.chown(path, 0, UID)
        path.chmod(0o2777)
    words = folder / "termination-log"
    words.touch()
    words.chmod(0o666)


def enter(folder: Path) -> tuple[str, ...]:
    """What to put before a command line to run it in the pod whose volumes are in `folder`."""
    words = ("env", f"POD={folder}", f"NEEDED={' '.join(_NEEDED)}")
    return (*words, *_ENTER, _INSIDE, "bash")


def argv(program: Sequence[str]) -> list[str]:
    """The container's command line."""
    return [
        *program,
        *("--run-dir", "/run/kubemu", "--socket", "/run/kubemu/sockets/launcher.sock"),
        *("--disk-dir", "/run/kubemu/disks", "--log-format", "json"),
    ]
