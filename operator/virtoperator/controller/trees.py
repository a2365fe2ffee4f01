"""JSON trees: reading deep fields, and the merge patch from one tree to another. Pure."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def at(tree: Json | None, *path: str) -> Any:
    """The value below `path`, or None where any step is missing."""
    value: Any = tree
    for step in path:
        if not isinstance(value, dict):
            return None
        value = value.get(step)
    return value


def copied(tree: Json) -> Json:
    """A copy, all the way down; `copy.deepcopy` takes four times as long."""
    return {key: _copied(value) for key, value in tree.items()}


def _copied(value: Any) -> Any:
    match value:
        case dict():
            return copied(value)
        case list():
            return [_copied(item) for item in value]
        case _:
            return value


def merge_patch(old: Json, new: Json) -> Json:
    """The JSON merge patch (RFC 7386) that makes `new` of `old`; empty when they are equal."""
    patch: Json = {key: None for key in old if key not in new}
    for key, value in new.items():
        before = old.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            if inner := merge_patch(before, value):
                patch[key] = inner
        elif key not in old or before != value:
            patch[key] = value
    return patch


def meta(tree: Json) -> Json:
    """The object's metadata."""
    value = tree["metadata"]
    assert isinstance(value, dict)
    return value


def name_of(tree: Json) -> str:
    return str(meta(tree)["name"])


def uid_of(tree: Json) -> str:
    return str(meta(tree).get("uid", ""))


def labels_of(tree: Json) -> dict[str, str]:
    return meta(tree).get("labels") or {}


def annotations_of(tree: Json) -> dict[str, str]:
    return meta(tree).get("annotations") or {}


def is_deleting(tree: Json) -> bool:
    """Whether deletion was asked for."""
    return bool(meta(tree).get("deletionTimestamp"))


def controller_of(tree: Json) -> Json:
    """The owner reference of the object's one controller, or an empty one."""
    owners = meta(tree).get("ownerReferences") or ()
    return next((owner for owner in owners if owner.get("controller")), {})


def owner_reference(owner: Json) -> Json:
    """A reference that makes `owner` the controller of what carries it."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": name_of(owner),
        "uid": uid_of(owner),
        "controller": True,
        "blockOwnerDeletion": True,
    }
