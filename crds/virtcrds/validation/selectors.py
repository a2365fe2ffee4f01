"""Label selectors, as controllers apply them: which labels match, and do a template's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..kubernetes.meta import LabelSelector, LabelSelectorRequirement
from ..violation import Violation
from .causes import invalid
from .path import Path
from .scheduling import selector_violations


def matches(selector: LabelSelector, labels: Mapping[str, str]) -> bool:
    """Whether an object with these labels is selected; an empty selector selects all."""
    return all(labels.get(key) == value for key, value in selector.match_labels.items()) and all(
        _holds(requirement, labels) for requirement in selector.match_expressions
    )


def template_selector(
    path: Path, selector: LabelSelector, labels: Mapping[str, str]
) -> Iterator[Violation]:
    """A controller that does not select what it makes would make more and more of it."""
    mistakes = list(selector_violations(path, selector))
    yield from mistakes
    if not mistakes and not matches(selector, labels):
        yield invalid(path, "selector does not match labels.")


def _holds(requirement: LabelSelectorRequirement, labels: Mapping[str, str]) -> bool:
    value = labels.get(requirement.key)
    match requirement.operator:
        case "In":
            return value in requirement.values
        case "NotIn":
            return value not in requirement.values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case _:
            return False
