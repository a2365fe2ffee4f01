"""Validation: what is wrong with an object, in KubeVirt's words and with its field paths.

Pure functions of the object and the cluster's configuration. `kubemu validate`, the admission
webhook and the controller call the same ones. Field paths are KubeVirt's, except where KubeVirt
itself names a field that does not exist (`spec.Sound`) or none at all; sentences are its own,
unless a rule is ours alone.
"""

from __future__ import annotations

from .entry import validate, validate_creation, validate_update
from .warn import warnings

__all__ = ["validate", "validate_creation", "validate_update", "warnings"]
