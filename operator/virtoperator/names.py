"""Names that outside parties rely on: labels, annotations, finalizers, and paths in the pod.

Those of `kubevirt.io` are KubeVirt's; tools and its functional tests look for them. Those of
`kubemu.io` are ours.
"""

from __future__ import annotations

import hashlib

GROUP = "kubevirt.io"
NAMESPACE = "kubevirt"
"""Where the project is installed, and where tools look for it."""

# Labels.
APP = "kubevirt.io"
"""On pods: which part they are, e.g. LAUNCHER."""
LAUNCHER = "virt-launcher"
HANDLER = "virt-handler"
CONTROLLER = "virt-controller"
CREATED_BY = "kubevirt.io/created-by"
VMI_ID = "vmi.kubevirt.io/id"
VM_NAME = "vm.kubevirt.io/name"
NODE_NAME = "kubevirt.io/nodeName"
SCHEDULABLE = "kubevirt.io/schedulable"
KVM_USABLE = "kubemu.io/kvm"
"""On nodes: 'usable' where a guest has been seen to boot with KVM."""
NODE_PREFIX = "node.kubemu.io/"
OUTDATED_IMAGE = "kubevirt.io/outdatedLauncherImage"
MACHINE_TYPE_PREFIX = "machine-type.node.kubevirt.io/"
CPU_MODEL_PREFIX = "cpu-model.node.kubevirt.io/"
CPU_FEATURE_PREFIX = "cpu-feature.node.kubevirt.io/"

# Annotations.
DOMAIN = "kubevirt.io/domain"
HEARTBEAT = "kubevirt.io/heartbeat"
VM_GENERATION = "kubevirt.io/vm-generation"
MEMORY_OVERHEAD = "kubevirt.io/memory-overhead-bytes"
MIGRATION_TRANSPORT_UNIX = "kubevirt.io/migrationTransportUnix"
LATEST_API_VERSION = "kubevirt.io/latest-observed-api-version"
STORAGE_API_VERSION = "kubevirt.io/storage-observed-api-version"
KEEP_AFTER_FAILURE = "kubevirt.io/keep-launcher-alive-after-failure"
GUEST_ABI = "kubemu.io/guest-abi"
"""On a VMI: what QEMU became, as JSON (virtlauncher.plan.GuestABI)."""

# Finalizers.
VMI_FINALIZER = "kubevirt.io/foregroundDeleteVirtualMachine"
VM_FINALIZER = "kubevirt.io/virtualMachineControllerFinalize"
"""On a VM, and on the VMIs that a VM made."""

# Readiness gate of launcher pods.
UNPAUSED_GATE = "kubevirt.io/virtual-machine-unpaused"

# The launcher's container.
COMPUTE = "compute"
CONSOLE_LOG = "guest-console-log"
UID = 107
"""User, group and fsGroup of everything in a launcher's pod, as in KubeVirt."""
RUN_DIR = "/run/kubemu"
SOCKETS_DIR = "/run/kubemu/sockets"
SOCKET = "launcher.sock"
DISK_DIR = "/run/kubemu/disks"
SOCKETS_VOLUME = "sockets"


def node_label(node: str) -> str:
    """The label that a VMI carries for every node it concerns: selectors know no OR.

    Its value is empty; the controller alone sets it.
    """
    return NODE_PREFIX + hashlib.sha256(node.encode()).hexdigest()[:12]
