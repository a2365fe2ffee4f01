"""What runs the guest: this machine's QEMU, and KVM where it is proved to work."""

from __future__ import annotations

import asyncio

from virtlauncher.facts import Accel, Qemu
from virtlauncher.probe import (
    KvmVerdict,
    find_probe_kernel,
    probe_qemu,
    prove_kvm,
)
from virtlauncher.probe import find_qemu as find_binary
from virtlauncher.probe.kvm import TIMEOUT

from . import say
from .errors import BadInput
from .planning import AccelChoice, Engine
from .world import World

_AT_ONCE = 0.5
"""Seconds that need no explanation."""


async def find_qemu(world: World) -> Qemu:
    """Probed once per binary. Raises LaunchFailed without one, Refused for one that is too old."""
    return await asyncio.to_thread(_probe, world)


async def find_engine(choice: AccelChoice, world: World) -> Engine:
    """KVM only when proved, or when asked for by name, and then proved too.

    Raises BadInput for a KVM that was asked for and does not work.
    """
    qemu = await find_qemu(world)
    if choice is AccelChoice.TCG:
        return Engine(qemu=qemu, accel=Accel.TCG)
    verdict = await _verdict(qemu, world)
    if verdict.usable:
        return Engine(qemu=qemu, accel=Accel.KVM)
    if choice is AccelChoice.KVM:
        raise BadInput(f"KVM cannot be used: {verdict.why}", where="--accel", hint="--accel tcg")
    say.note(f"emulating the CPU, which is slow: {verdict.why}")
    return Engine(qemu=qemu, accel=Accel.TCG)


async def _verdict(qemu: Qemu, world: World) -> KvmVerdict:
    """A proof takes a boot; one that is kept from before, no time."""
    proof = asyncio.create_task(asyncio.to_thread(_prove, qemu, world))
    done, _ = await asyncio.wait({proof}, timeout=_AT_ONCE)
    if not done:
        say.note(f"testing KVM, once per boot of this machine: {TIMEOUT:g} s at most")
    return await proof


def _probe(world: World) -> Qemu:
    return probe_qemu(find_binary(), world.folders.probes)


def _prove(qemu: Qemu, world: World) -> KvmVerdict:
    built = sorted(world.folders.cache.glob("guests/tiny-*/vmlinuz"))
    return prove_kvm(qemu, find_probe_kernel(built), cache_dir=world.folders.probes)
