"""Starting a VM: pull, write, launch, hand over. What fails on the way leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import socket
from collections.abc import AsyncIterator, Mapping
from typing import Any

from virtcrds import VirtualMachineInstance
from virtlauncher.client import Client
from virtlauncher.errors import LauncherError, Refused, WireError
from virtlauncher.facts import Facts, Source, SourceKind

from . import endings, planning, say
from .contents import write_folder
from .errors import LauncherDied
from .folders import VmFolders, make_private
from .follow import reap
from .images.progress import show_progress
from .images.pull import Pulled, Puller
from .images.skopeo import find_skopeo
from .images.store import Store
from .launcher import Launcher, connect, start_launcher, wait_listening
from .occupancy import clear, ended
from .planning import Chosen, Wish
from .processes import find_identity
from .record import Ending, Record, remove_record, save_record
from .redact import without_secrets
from .tasks import task_group
from .volumes import VolumePlan
from .world import World

_DEFAULT_GRACE = 30


@dataclasses.dataclass(frozen=True, kw_only=True)
class Started:
    """A VM that was let go."""

    client: Client
    launcher: Launcher
    console: socket.socket | None
    record: Record
    state: Mapping[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Start:
    """One start: everything it needs is known."""

    world: World
    wish: Wish
    chosen: Chosen
    folders: VmFolders
    facts: Facts
    volumes: VolumePlan
    before: Record | None = None
    """Of the last run: what stays when this one is refused."""

    @contextlib.asynccontextmanager
    async def begin(self) -> AsyncIterator[Started]:
        """Yields the running VM. Raises KubemuError or LauncherError when there is none."""
        pulled = await self._pull()
        try:
            facts = self._make(pulled)
            launcher = await start_launcher(self.folders, self.world.env)
        except BaseException:
            clear(self.folders)
            raise
        record = self._save(launcher, facts, pulled)
        async with contextlib.AsyncExitStack() as stack:
            try:
                await wait_listening(launcher, self.folders)
                client = await stack.enter_async_context(connect(self.folders))
                console = await _console(client, stack)
                started = await client.call("start", self._request(facts))
            except WireError as error:
                died = await self._why_it_died(launcher, error)
                await self._undo(launcher, record, died)
                raise died from error
            except BaseException as error:
                await self._undo(launcher, record, error)
                raise
            yield Started(
                client=client,
                launcher=launcher,
                console=console,
                record=record,
                state=started.result.get("state", {}),
            )

    async def _pull(self) -> dict[str, Pulled]:
        wanted = self.volumes.images
        if not wanted:
            return {}
        skopeo = find_skopeo(self.world.env, self.wish.registry)
        store = Store(folder=self.world.folders.images)
        with show_progress(say.stderr()) as meter:
            puller = Puller(store=store, skopeo=skopeo, meter=meter)
            async with task_group() as tasks:
                # Two volumes of one image are one pull.
                pulls = {one: tasks.create_task(puller.pull(one)) for one in set(wanted.values())}
        return {key: pulls[one].result() for key, one in wanted.items()}

    def _make(self, pulled: Mapping[str, Pulled]) -> Facts:
        """Private folders, and the volumes made of Secrets and ConfigMaps."""
        uid = self.world.uid
        make_private(self.world.folders.runtime, uid)
        for folder in (self.folders.run, self.folders.disks, self.folders.persistent):
            make_private(folder, uid)
        sources = dict(self.volumes.sources)
        for key, image in pulled.items():
            sources[key] = Source(kind=SourceKind.DIR, path=str(image.root), readonly=True)
        for key, files in self.volumes.contents.items():
            folder = write_folder(self.folders.contents / key.replace("/", "."), files)
            sources[key] = Source(kind=SourceKind.DIR, path=str(folder), readonly=True)
        return planning.with_volumes(self.facts, sources)

    def _save(self, launcher: Launcher, facts: Facts, pulled: Mapping[str, Pulled]) -> Record:
        vmi, vm = self.chosen.checked.vmi, self.chosen.vm
        grace = vmi.spec.termination_grace_period_seconds
        record = Record(
            namespace=vm.namespace,
            name=vm.name,
            source=self.wish.file,
            started=self.world.now(),
            driver=find_identity(os.getpid()),
            launcher=launcher.identity,
            memory=_memory(vmi),
            accel=facts.accel,
            grace=_DEFAULT_GRACE if grace is None else max(grace, 0),
            forwards=tuple(f for nic in facts.nics.values() for f in nic.forwards),
            images={key: image.image.config for key, image in pulled.items()},
            manifest=without_secrets(vmi.to_json()),
            facts=facts.to_json(),
        )
        return save_record(self.folders.state, record)

    def _request(self, facts: Facts) -> dict[str, Any]:
        return {"vmi": self.chosen.checked.vmi.to_json(), "facts": facts.to_json()}

    async def _why_it_died(self, launcher: Launcher, error: WireError) -> LauncherDied:
        await reap(launcher)
        status = launcher.process.returncode
        message = endings.from_status(status, self.folders).message if status else str(error)
        return LauncherDied(message, hint=f"kubemu logs {self.chosen.vm} says more")

    async def _undo(self, launcher: Launcher, record: Record, error: BaseException) -> None:
        """No process, no secret, no overlay stays. A failed launch can be looked at with `logs`;
        a refused one never was.
        """
        if not isinstance(error, LauncherError):
            with contextlib.suppress(ProcessLookupError):
                launcher.process.kill()
        await asyncio.shield(reap(launcher))
        if not isinstance(error, Refused):
            failed = Ending(kind="failed", message=str(error), at=self.world.now())
            save_record(self.folders.state, ended(record, failed))
        elif self.before is not None:
            save_record(self.folders.state, self.before)
        else:
            remove_record(self.folders.state)
        clear(self.folders)


async def _console(client: Client, stack: contextlib.AsyncExitStack) -> socket.socket | None:
    """Attached before the guest runs, so that its first line is seen too."""
    reply = await client.call("console")
    return stack.enter_context(socket.socket(fileno=reply.fds["console"]))


def _memory(vmi: VirtualMachineInstance) -> int:
    memory = vmi.spec.domain.memory
    return memory.guest.value if memory is not None and memory.guest is not None else 0
