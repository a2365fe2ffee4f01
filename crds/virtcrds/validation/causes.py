"""The kinds of refusal an API server knows, each a short way to make one."""

from __future__ import annotations

from ..violation import Violation


def invalid(field: str, message: str) -> Violation:
    return Violation(field=field, message=message)


def required(field: str, message: str) -> Violation:
    return Violation(field=field, message=message, reason="FieldValueRequired")


def duplicate(field: str, message: str) -> Violation:
    return Violation(field=field, message=message, reason="FieldValueDuplicate")


def not_supported(field: str, message: str) -> Violation:
    return Violation(field=field, message=message, reason="FieldValueNotSupported")


def not_found(field: str, message: str) -> Violation:
    return Violation(field=field, message=message, reason="FieldValueNotFound")


def forbidden(field: str, message: str) -> Violation:
    return Violation(field=field, message=message, reason="FieldValueForbidden")
