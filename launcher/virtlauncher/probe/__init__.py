"""What this machine offers to virtual machines: QEMU, firmware, helpers, and whether KVM works.

Blocking functions, for whoever fills `Facts`; the launcher itself never probes.
"""

from .kvm import KvmVerdict, find_probe_kernel, prove_kvm
from .qemu import find_qemu, probe_qemu

__all__ = ["KvmVerdict", "find_probe_kernel", "find_qemu", "probe_qemu", "prove_kvm"]
