"""The `nft` program: rules go in as one transaction, so that there is never half a ruleset."""

from __future__ import annotations

import json
import subprocess

from .errors import PlumbError, Reason
from .ruleset import TABLES, Family

_PATIENCE = 20.0
"""Seconds; nft takes some 20 ms."""


def transact(commands: str) -> None:
    """Apply what `ruleset.load` or `ruleset.remove` made, in the calling thread's namespace."""
    _run("-f", "-", given=commands)


def observe_tables() -> list[tuple[Family, str]]:
    """Our tables in the calling thread's namespace."""
    tables = [entry["table"] for entry in json.loads(_run("list", "tables"))["nftables"][1:]]
    return [
        (Family(table["family"]), table["name"])
        for table in tables
        if table["name"].startswith(TABLES)
    ]


def text() -> str:
    """Our tables as nft prints them."""
    return "".join(_run("list", "table", *table, json_=False) for table in observe_tables())


def _run(*arguments: str, given: str = "", json_: bool = True) -> str:
    try:
        done = subprocess.run(
            ["nft", *(["-j"] if json_ else []), *arguments],
            input=given,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    except FileNotFoundError as error:
        raise PlumbError(
            Reason.NFT_UNAVAILABLE, "the program 'nft' is not here", hint="install nftables"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise PlumbError(
            Reason.NFT_UNAVAILABLE, f"nft did not end within {_PATIENCE:g} s"
        ) from error
    if done.returncode:
        said = " ".join(done.stderr.split()) or f"exit status {done.returncode}"
        raise PlumbError(
            Reason.NFT_UNAVAILABLE,
            f"nft refused the rules: {said}",
            hint="the kernel needs nf_tables with NAT for the pod's address families",
        )
    return done.stdout
