"""Clusters that live for a test, beside whatever else runs on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from kubemucluster import cgroups, cluster, life
from kubemucluster.cluster import Cluster
from kubemucluster.layout import Pods

NAME = "life"
BOTH = {"node-a", "node-b"}
Say = Callable[[str], None]


def say(step: str) -> None:
    print(step, flush=True)


def up(pods: Pods = Pods.DUAL, say: Say = say) -> Cluster:
    with cluster.working_on(NAME):
        return life.up(NAME, pods, say)


def down(say: Say = say) -> None:
    with cluster.working_on(NAME):
        life.down(NAME, say)


def command(*words: str) -> list[str]:
    """The words of a command on this cluster, as people type them."""
    return [sys.executable, "-m", "kubemucluster", *words, f"--name={NAME}"]


def answered(*words: str) -> str:
    """What a command on this cluster prints that is to succeed."""
    done = subprocess.run(command(*words), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(*argv: str, path: str = os.environ["PATH"]) -> str:
    """What a command says that fails as it should: in sentences, and without a traceback."""
    done = subprocess.run(argv, capture_output=True, text=True, env={**os.environ, "PATH": path})
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def others() -> list[Cluster]:
    """The clusters of this machine that are not the tests'."""
    names = {path.parent.name for path in cluster.ROOT.glob("*/cluster.json")} - {NAME}
    return [found for name in names if (found := cluster.existing(name))]


def traces() -> dict[str, object]:
    """Everything of the machine that a cluster may leave behind, without what others have."""
    state = str(cluster.ROOT / NAME)
    theirs = [other.layout.bridge for other in others()]

    def lines(*argv: str, having: str) -> list[str]:
        text = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
        return [
            line
            for line in text.splitlines()
            if having in line and not any(bridge in line for bridge in theirs)
        ]

    return {
        "links": lines("ip", "-br", "link", having="kmu"),
        "routes": lines("ip", "route", having="kmu") + lines("ip", "-6", "route", having="kmu"),
        "rules": lines("nft", "list", "tables", having="kube"),
        "mounts": [line for line in Path("/proc/mounts").read_text().splitlines() if state in line],
        "namespaces": lines(
            "lsns", "--noheadings", "--notruncate", "--output=COMMAND", having=state
        ),
        "cgroups": [str(top) for h in cgroups.hierarchies() for top in h.glob(f"*-{NAME}")],
        "loops": lines("losetup", "--list", "--noheadings", "-O", "BACK-FILE", having=state),
        "processes": lines("ps", "-eo", "args", having=state),
        "state": (cluster.ROOT / NAME).exists(),
    }
