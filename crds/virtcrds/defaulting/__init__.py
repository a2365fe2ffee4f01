"""Defaulting: a VM with everything filled in that KubeVirt would fill in at its creation.

Pure: nothing is read but the object and the cluster's configuration, and a new object is
returned. Doing it twice changes nothing. Users see the result in `kubectl get -o yaml`, so it
keeps KubeVirt's order and values.
"""

from __future__ import annotations

from .instance import default, default_spec
from .machine import default_vm

__all__ = ["default", "default_spec", "default_vm"]
