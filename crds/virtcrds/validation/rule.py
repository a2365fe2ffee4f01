"""What a rule about a VM is: a pure function from its spec to complaints."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from ..clusterconfig import ClusterConfig
from ..core.vmi import VirtualMachineInstanceSpec
from ..violation import Violation
from .path import Path

Rule: TypeAlias = Callable[[Path, VirtualMachineInstanceSpec, ClusterConfig], Iterator[Violation]]
"""`field` is where the spec stands: `spec`, or `spec.template.spec` inside a VirtualMachine."""
