"""Label selectors: whether an object is taken, and the selector as text. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]


def takes(selector: Json, labels: Mapping[str, str]) -> bool:
    """Whether a LabelSelector takes an object of these labels; an empty one takes all."""
    wanted = selector.get("matchLabels") or {}
    rules = selector.get("matchExpressions") or ()
    return wanted.items() <= labels.items() and all(holds(rule, labels) for rule in rules)


def text_of(selector: Json) -> str:
    """The selector as autoscalers, and queries, write it."""
    equal = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    return ",".join([*equal, *map(_text, selector.get("matchExpressions") or ())])


def holds(rule: Json, labels: Mapping[str, str]) -> bool:
    """Whether one requirement holds; an operator that is not known never does."""
    key, values = rule["key"], rule.get("values") or ()
    match rule["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case _:
            return False


def _text(rule: Json) -> str:
    key, values = rule["key"], ",".join(sorted(rule.get("values") or ()))
    match rule["operator"]:
        case "In":
            return f"{key} in ({values})"
        case "NotIn":
            return f"{key} notin ({values})"
        case "DoesNotExist":
            return f"!{key}"
        case _:
            return str(key)
