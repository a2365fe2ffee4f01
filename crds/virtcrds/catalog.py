"""The kinds of the API: names, versions, scope, and which model describes each.

Data only; the models are imported when somebody asks for one.
"""

from __future__ import annotations

from .resource import SCALE, STATUS, Column, Resource, Version

V1 = (Version(name="v1"), Version(name="v1alpha3", storage=False))
V1BETA1 = (Version(name="v1alpha1", storage=False), Version(name="v1beta1"))
CORE = "kubevirt.io"
INSTANCETYPE = "instancetype.kubevirt.io"
SNAPSHOT = "snapshot.kubevirt.io"
BACKUP = "backup.kubevirt.io"

AGE = Column(name="Age", path=".metadata.creationTimestamp", type="date")
PHASE = Column(name="Phase", path=".status.phase")
SOURCE = (
    Column(name="SourceKind", path=".spec.source.kind"),
    Column(name="SourceName", path=".spec.source.name"),
)
REPLICAS = (
    Column(name="Desired", path=".spec.replicas", type="integer"),
    Column(name="Current", path=".status.replicas", type="integer"),
    Column(name="Ready", path=".status.readyReplicas", type="integer"),
    AGE,
)
READY_TO_USE = Column(name="ReadyToUse", path=".status.readyToUse", type="boolean")
CREATION_TIME = Column(name="CreationTime", path=".status.creationTime", type="date")
ERROR = Column(name="Error", path=".status.error.message")


def _condition(name: str, kind: str, *, wide: bool = False) -> Column:
    path = f".status.conditions[?(@.type=='{kind}')].status"
    return Column(name=name, path=path, wide=wide)


RESOURCES = (
    Resource(
        kind="VirtualMachineInstance",
        group=CORE,
        plural="virtualmachineinstances",
        short_names=("vmi", "vmis"),
        versions=V1,
        module="core.vmi",
        columns=(
            AGE,
            PHASE,
            Column(name="IP", path=".status.interfaces[0].ipAddress"),
            Column(name="NodeName", path=".status.nodeName"),
            _condition("Ready", "Ready"),
            _condition("Live-Migratable", "LiveMigratable", wide=True),
            _condition("Paused", "Paused", wide=True),
        ),
    ),
    Resource(
        kind="VirtualMachine",
        group=CORE,
        plural="virtualmachines",
        short_names=("vm", "vms"),
        versions=V1,
        module="core.vm",
        subresources=(STATUS,),
        columns=(
            AGE,
            Column(name="Status", path=".status.printableStatus"),
            _condition("Ready", "Ready"),
        ),
    ),
    Resource(
        kind="VirtualMachineInstanceReplicaSet",
        group=CORE,
        plural="virtualmachineinstancereplicasets",
        short_names=("vmirs", "vmirss"),
        versions=V1,
        module="core.replicaset",
        subresources=(STATUS, SCALE),
        columns=REPLICAS,
    ),
    Resource(
        kind="VirtualMachineInstanceMigration",
        group=CORE,
        plural="virtualmachineinstancemigrations",
        short_names=("vmim", "vmims"),
        versions=V1,
        module="core.migration",
        subresources=(STATUS,),
        columns=(PHASE, Column(name="VMI", path=".spec.vmiName")),
    ),
    Resource(
        kind="VirtualMachineInstancePreset",
        group=CORE,
        plural="virtualmachineinstancepresets",
        short_names=("vmipreset", "vmipresets"),
        versions=(
            Version(name="v1", storage=False, deprecated=True),
            Version(name="v1alpha3", deprecated=True),
        ),
        module="core.preset",
    ),
    Resource(
        kind="KubeVirt",
        group=CORE,
        plural="kubevirts",
        short_names=("kv", "kvs"),
        versions=V1,
        module="core.kubevirt",
        label="operator.kubevirt.io",
        subresources=(STATUS,),
        columns=(AGE, PHASE),
    ),
    Resource(
        kind="VirtualMachinePool",
        group="pool.kubevirt.io",
        plural="virtualmachinepools",
        short_names=("vmpool", "vmpools"),
        versions=V1BETA1,
        module="groups.pool",
        subresources=(STATUS, SCALE),
        columns=REPLICAS,
    ),
    Resource(
        kind="VirtualMachineSnapshot",
        group=SNAPSHOT,
        plural="virtualmachinesnapshots",
        short_names=("vmsnapshot", "vmsnapshots"),
        versions=V1BETA1,
        module="groups.snapshot",
        subresources=(STATUS,),
        columns=(*SOURCE, PHASE, READY_TO_USE, CREATION_TIME, ERROR),
    ),
    Resource(
        kind="VirtualMachineSnapshotContent",
        group=SNAPSHOT,
        plural="virtualmachinesnapshotcontents",
        short_names=("vmsnapshotcontent", "vmsnapshotcontents"),
        versions=V1BETA1,
        module="groups.snapshot",
        subresources=(STATUS,),
        columns=(READY_TO_USE, CREATION_TIME, ERROR),
    ),
    Resource(
        kind="VirtualMachineRestore",
        group=SNAPSHOT,
        plural="virtualmachinerestores",
        short_names=("vmrestore", "vmrestores"),
        versions=V1BETA1,
        module="groups.snapshot",
        subresources=(STATUS,),
        columns=(
            Column(name="TargetKind", path=".spec.target.kind"),
            Column(name="TargetName", path=".spec.target.name"),
            Column(name="Complete", path=".status.complete", type="boolean"),
            Column(name="RestoreTime", path=".status.restoreTime", type="date"),
        ),
    ),
    Resource(
        kind="VirtualMachineExport",
        group="export.kubevirt.io",
        plural="virtualmachineexports",
        short_names=("vmexport", "vmexports"),
        versions=(Version(name="v1beta1", storage=False, deprecated=True), Version(name="v1")),
        module="groups.export",
        subresources=(STATUS,),
        columns=(*SOURCE, PHASE),
    ),
    Resource(
        kind="VirtualMachineClone",
        group="clone.kubevirt.io",
        plural="virtualmachineclones",
        short_names=("vmclone", "vmclones"),
        versions=V1BETA1,
        module="groups.clone",
        subresources=(STATUS,),
        columns=(
            PHASE,
            Column(name="SourceVirtualMachine", path=".spec.source.name"),
            Column(name="TargetVirtualMachine", path=".spec.target.name"),
        ),
    ),
    Resource(
        kind="VirtualMachineInstancetype",
        group=INSTANCETYPE,
        plural="virtualmachineinstancetypes",
        short_names=("vminstancetype", "vminstancetypes", "vmf", "vmfs"),
        versions=(Version(name="v1beta1"),),
        module="groups.instancetype",
    ),
    Resource(
        kind="VirtualMachineClusterInstancetype",
        group=INSTANCETYPE,
        plural="virtualmachineclusterinstancetypes",
        short_names=("vmclusterinstancetype", "vmclusterinstancetypes", "vmcf", "vmcfs"),
        versions=(Version(name="v1beta1"),),
        module="groups.instancetype",
        namespaced=False,
        in_all=False,
    ),
    Resource(
        kind="VirtualMachinePreference",
        group=INSTANCETYPE,
        plural="virtualmachinepreferences",
        short_names=("vmpref", "vmprefs", "vmp", "vmps"),
        versions=(Version(name="v1beta1"),),
        module="groups.preference",
    ),
    Resource(
        kind="VirtualMachineClusterPreference",
        group=INSTANCETYPE,
        plural="virtualmachineclusterpreferences",
        short_names=("vmcp", "vmcps"),
        versions=(Version(name="v1beta1"),),
        module="groups.preference",
        namespaced=False,
        in_all=False,
    ),
    Resource(
        kind="MigrationPolicy",
        group="migrations.kubevirt.io",
        plural="migrationpolicies",
        short_names=(),
        versions=(Version(name="v1alpha1"),),
        module="groups.policy",
        namespaced=False,
        in_all=False,
        subresources=(STATUS,),
    ),
    Resource(
        kind="VirtualMachineBackup",
        group=BACKUP,
        plural="virtualmachinebackups",
        short_names=("vmbackup", "vmbackups"),
        versions=(Version(name="v1alpha1"),),
        module="groups.backup",
        subresources=(STATUS,),
        columns=(*SOURCE, Column(name="Type", path=".status.type")),
    ),
    Resource(
        kind="VirtualMachineBackupTracker",
        group=BACKUP,
        plural="virtualmachinebackuptrackers",
        short_names=("vmbackuptracker", "vmbackuptrackers"),
        versions=(Version(name="v1alpha1"),),
        module="groups.backup",
        subresources=(STATUS,),
        columns=(
            *SOURCE,
            Column(name="LatestCheckpoint", path=".status.latestCheckpoint.name"),
        ),
    ),
    Resource(
        kind="Plugin",
        group="plugin.kubevirt.io",
        plural="plugins",
        short_names=(),
        versions=(Version(name="v1alpha1"),),
        module="groups.plugin",
        namespaced=False,
        in_all=False,
    ),
)

BY_KIND = {(resource.group, resource.kind): resource for resource in RESOURCES}
