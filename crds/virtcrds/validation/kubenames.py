"""Kubernetes' rules for names, with the sentences that its own API server answers.

Every function returns the complaints about a value, and nothing when it is a good name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE = f"({_QUALIFIED})?"

_LABEL_SENTENCE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
    "and must start and end with an alphanumeric character"
)
_SUBDOMAIN_SENTENCE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.',"
    " and must start and end with an alphanumeric character"
)
_NAME_PART_SENTENCE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character"
)
_LABEL_VALUE_SENTENCE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character"
)


def label_complaints(name: str) -> list[str]:
    """A DNS label: host names, and disks, whose names become container names."""
    return _length(name, 63) + _pattern(name, _LABEL, _LABEL_SENTENCE, ("my-name", "123-abc"))


def subdomain_complaints(name: str) -> list[str]:
    """A DNS subdomain: what Kubernetes calls most objects, search domains, prefixes of keys."""
    return _length(name, 253) + _pattern(name, _SUBDOMAIN, _SUBDOMAIN_SENTENCE, ("example.com",))


def qualified_name_complaints(name: str) -> list[str]:
    """A key of labels, annotations and selectors: `name` or `prefix/name`."""
    prefix, slash, last = name.rpartition("/")
    if "/" in prefix:
        return [
            "a qualified name "
            + _NAME_PART_SENTENCE.removeprefix("name part ")
            + _examples(_QUALIFIED, ("MyName", "my.name", "123-abc"))
            + " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        ]
    complaints = []
    if slash and not prefix:
        complaints.append("prefix part must be non-empty")
    elif prefix:
        complaints += [f"prefix part {complaint}" for complaint in subdomain_complaints(prefix)]
    return complaints + _name_part_complaints(last)


def label_value_complaints(value: str) -> list[str]:
    return _length(value, 63) + _pattern(
        value, _LABEL_VALUE, _LABEL_VALUE_SENTENCE, ("MyValue", "my_value", "12345")
    )


def is_port_name(name: str) -> bool:
    """An IANA service name: at most 15 of `[-a-z0-9]`, a letter among them, no doubled dash."""
    return (
        re.fullmatch("[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?", name) is not None
        and "--" not in name
        and re.search("[a-z]", name) is not None
    )


def _name_part_complaints(name: str) -> list[str]:
    if not name:
        return ["name part must be non-empty", *_name_pattern_complaints(name)]
    return [f"name part {complaint}" for complaint in _length(name, 63)] + _name_pattern_complaints(
        name
    )


def _name_pattern_complaints(name: str) -> list[str]:
    return _pattern(name, _QUALIFIED, _NAME_PART_SENTENCE, ("MyName", "my.name", "123-abc"))


def _length(value: str, limit: int) -> list[str]:
    return [f"must be no more than {limit} characters"] if len(value) > limit else []


def _pattern(value: str, pattern: str, sentence: str, examples: Sequence[str]) -> list[str]:
    if re.fullmatch(pattern, value):
        return []
    return [sentence + _examples(pattern, examples)]


def _examples(pattern: str, examples: Sequence[str]) -> str:
    # Kubernetes puts a comma and a blank after each example, and a blank before each `or`.
    shown = " or ".join(f"'{example}', " for example in examples)
    return f" (e.g. {shown}regex used for validation is '{pattern}')"
