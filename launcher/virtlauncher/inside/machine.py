"""`machine`: what runs in this pod."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from . import command
from .ask import ask

_DESCRIPTION = """\
Show the machine's phase, versions, processes and QEMU's command line."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = command.parser("machine", _DESCRIPTION)
    parser.add_argument("--output", "-o", choices=("text", "json"), default="text")
    chosen = parser.parse_args(arguments)
    return command.run("machine", lambda: _show(chosen.run_dir, chosen.output))


def _show(run_dir: str, output: str) -> int:
    answer, _ = ask(run_dir, "machine")
    print(json.dumps(answer, indent=2) if output == "json" else render(answer))
    return 0


def render(answer: Mapping[str, Any]) -> str:
    """For people: one fact a line, one option of the command line a line."""
    state, launcher = answer["state"], answer["launcher"]
    reason = f" ({state['reason']})" if state["reason"] else ""
    agent = "connected" if state["agent"] else "not connected"
    lines = [
        f"phase      {state['name']}{reason} since {state['since']}",
        f"QEMU       {answer['qemu'] or 'not started yet'}",
        f"launcher   {launcher['version']}, Python {launcher['python']}",
        f"agent      {agent}",
        "processes",
        *map(_process, [{"name": "launcher", **launcher}, *answer["children"]]),
    ]
    if answer["argv"]:
        lines += ["command line", *_options(answer["argv"])]
    return "\n".join(lines)


def _process(process: Mapping[str, Any]) -> str:
    memory = f"{process['rss'] / (1 << 20):.1f} MiB"
    return (
        f"  {process['name']:10} pid {process['pid']:<7} {memory:>12}  {_time(process['uptime'])}"
    )


def _time(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return (
        f"{days} d {hours:02}:{minutes:02}:{rest:02}" if days else f"{hours}:{minutes:02}:{rest:02}"
    )


def _options(argv: Sequence[str]) -> list[str]:
    """As a shell would take it: an option and its value on one line."""
    program, *words = argv
    lines = [f"  {shlex.quote(program)}"]
    for word in words:
        if word.startswith("-") or lines[-1] == lines[0]:
            lines.append(f"    {shlex.quote(word)}")
        else:
            lines[-1] += f" {shlex.quote(word)}"
    return [f"{line} \\" for line in lines[:-1]] + lines[-1:]


if __name__ == "__main__":
    sys.exit(main())
