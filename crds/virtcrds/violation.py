"""What is wrong with an object: one sentence about one field."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class Violation:
    """One mistake, in the shape of a Kubernetes StatusCause."""

    field: str
    """Path as Kubernetes spells it, e.g. `spec.domain.devices.disks[0].name`."""
    message: str
    """A sentence for the user; it names the field itself."""
    reason: str = "FieldValueInvalid"
    """Kubernetes' cause type: FieldValueInvalid, FieldValueRequired, FieldValueNotSupported, ..."""


class InvalidObject(ValueError):
    """A document that is no valid object; `violations` says why, one entry per mistake."""

    def __init__(self, violations: tuple[Violation, ...]) -> None:
        super().__init__(", ".join(violation.message for violation in violations))
        self.violations = violations
