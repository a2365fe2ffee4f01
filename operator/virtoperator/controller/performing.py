"""Carries out what was decided, in order, against the API server. Decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, assert_never

from ..kinds import Kind
from ..kube import AlreadyExists, ApiError, Forbidden, Invalid, Kube, NotFound
from .actions import Action, Again, Change, Create, Delete, Failure, Tell, Tone
from .trees import controller_of, name_of, uid_of

Json = dict[str, Any]
Take = Callable[[Kind, Json], None]
"""Takes in an object as the API server answered it: we see our own writes at once."""


class Teller(Protocol):
    """Who sends events (recorder.Recorder)."""

    def normal(self, about: Json, reason: str, note: str) -> None: ...
    def warning(self, about: Json, reason: str, note: str) -> None: ...


_Place = tuple[Kind, str, str]


class Refused(Exception):
    """The API server will not have an action; trying again at once makes no sense."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Performer:
    """Performs the actions of one reconcile after another."""

    def __init__(self, kube: Kube, recorder: Teller, take: Take) -> None:
        self._kube = kube
        self._recorder = recorder
        self._take = take

    async def perform(self, actions: Sequence[Action]) -> float | None:
        """Do them all; seconds after which the object is due again by itself, if any.

        Raises Refused, Conflict (what was decided on is not true any more), Unreachable. The
        actions after one that failed are not done.
        """
        versions: dict[_Place, str] = {}
        due: float | None = None
        for action in actions:
            match action:
                case Create():
                    await self._create(action)
                case Change():
                    await self._change(action, versions)
                case Delete():
                    await self._delete(action)
                case Tell():
                    self._tell(action)
                case Again():
                    due = action.seconds if due is None else min(due, action.seconds)
                case _:
                    assert_never(action)
        return due

    async def _create(self, action: Create) -> None:
        try:
            made = await self._kube.create(action.kind, action.body)
        except AlreadyExists:
            await self._find(action)
            return
        except (Invalid, Forbidden, NotFound) as error:
            raise self._refused(action, error) from error
        self._take(action.kind, made)
        if action.told:
            self._tell(action.told)

    async def _find(self, action: Create) -> None:
        """The object may be our own: made before we died, or by whoever led before."""
        meta = action.body["metadata"]
        there = await self._kube.get(action.kind, meta.get("namespace"), meta["name"])
        if controller_of(there).get("uid") != controller_of(action.body).get("uid"):
            words = f"{action.kind.kind} {meta['name']} exists, and belongs to somebody else"
            raise self._refused(action, AlreadyExists(409, "AlreadyExists", words))
        self._take(action.kind, there)

    async def _change(self, action: Change, versions: dict[_Place, str]) -> None:
        place = (action.kind, action.namespace, action.name)
        version = versions.get(place, action.version)
        patch = action.patch
        if version:
            meta = {**(patch.get("metadata") or {}), "resourceVersion": version}
            patch = {**patch, "metadata": meta}
        try:
            changed = await self._kube.patch(
                action.kind,
                action.namespace,
                action.name,
                patch,
                how=action.how,
                subresource=action.subresource,
            )
        except NotFound:
            return  # It has gone, and so has the reason to change it.
        versions[place] = changed["metadata"]["resourceVersion"]
        self._take(action.kind, changed)
        for event in action.told:
            self._tell(event)

    async def _delete(self, action: Delete) -> None:
        kind, namespace, name = action.kind, action.namespace, action.name
        try:
            await self._kube.delete(kind, namespace, name, uid=action.uid, grace=action.grace)
        except (Invalid, Forbidden) as error:
            raise self._refused(action, error) from error
        if action.told:
            self._tell(action.told)
        try:
            going = await self._kube.get(kind, namespace, name)
        except NotFound:
            return
        if uid_of(going) == action.uid:
            self._take(kind, going)

    def _refused(self, action: Create | Delete, error: ApiError) -> Refused:
        if action.failed:
            words = action.failed.message + error.message
            self._recorder.warning(action.failed.about, action.failed.reason, words)
        return Refused(Failure(action=action, message=error.message))

    def _tell(self, event: Tell) -> None:
        say = self._recorder.normal if event.tone is Tone.NORMAL else self._recorder.warning
        say(event.about, event.reason, event.message)


def described(action: Action) -> str:
    """An action in a few words, for the log."""
    match action:
        case Create():
            return f"create {action.kind.kind} {name_of(action.body)}"
        case Change():
            where = f"/{action.subresource}" if action.subresource else ""
            return f"change {action.kind.kind}{where} {action.name}: {_fields(action.patch)}"
        case Delete():
            return f"delete {action.kind.kind} {action.name}"
        case Tell():
            return f"tell {action.reason}"
        case Again():
            return f"again in {action.seconds:.1f} s"
        case _:
            assert_never(action)


def _fields(patch: Json) -> str:
    return ", ".join(
        f"{part}.{field}" for part, fields in patch.items() for field in sorted(fields or ())
    )
