"""The kinds of objects that we read and write: where each lives in the API."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kind:
    """One resource of the Kubernetes API."""

    group: str = ""
    version: str = "v1"
    kind: str
    plural: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """As in an object's `apiVersion`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None = None, name: str = "", subresource: str = "") -> str:
        """Path of the collection (of all namespaces when none is given), or of one object."""
        parts = ["apis", self.group, self.version] if self.group else ["api", self.version]
        if namespace and self.namespaced:
            parts += ["namespaces", namespace]
        parts += [part for part in (self.plural, name, subresource) if part]
        return "/" + "/".join(parts)


VM = Kind(group="kubevirt.io", kind="VirtualMachine", plural="virtualmachines")
VMI = Kind(group="kubevirt.io", kind="VirtualMachineInstance", plural="virtualmachineinstances")
REPLICASET = Kind(
    group="kubevirt.io",
    kind="VirtualMachineInstanceReplicaSet",
    plural="virtualmachineinstancereplicasets",
)
POOL = Kind(
    group="pool.kubevirt.io",
    version="v1beta1",
    kind="VirtualMachinePool",
    plural="virtualmachinepools",
)
KUBEVIRT = Kind(group="kubevirt.io", kind="KubeVirt", plural="kubevirts")
POD = Kind(kind="Pod", plural="pods")
PVC = Kind(kind="PersistentVolumeClaim", plural="persistentvolumeclaims")
QUOTA = Kind(kind="ResourceQuota", plural="resourcequotas")
NAMESPACE = Kind(kind="Namespace", plural="namespaces", namespaced=False)
NODE = Kind(kind="Node", plural="nodes", namespaced=False)
SECRET = Kind(kind="Secret", plural="secrets")
CONFIG_MAP = Kind(kind="ConfigMap", plural="configmaps")
EVENT = Kind(group="events.k8s.io", kind="Event", plural="events")
LEASE = Kind(group="coordination.k8s.io", kind="Lease", plural="leases")
DEPLOYMENT = Kind(group="apps", kind="Deployment", plural="deployments")
DAEMON_SET = Kind(group="apps", kind="DaemonSet", plural="daemonsets")
REVISION = Kind(group="apps", kind="ControllerRevision", plural="controllerrevisions")
STORAGE_CLASS = Kind(
    group="storage.k8s.io", kind="StorageClass", plural="storageclasses", namespaced=False
)
DATA_VOLUME = Kind(
    group="cdi.kubevirt.io", version="v1beta1", kind="DataVolume", plural="datavolumes"
)
