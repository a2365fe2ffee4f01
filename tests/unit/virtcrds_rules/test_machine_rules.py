"""VirtualMachines, updates, creation and warnings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from virtcrds import (
    ClusterConfig,
    VirtualMachine,
    VirtualMachineInstance,
    validate,
    validate_creation,
    validate_update,
    warnings,
)

Complaints = Callable[..., list[tuple[str, str]]]
MakeVM = Callable[..., VirtualMachine]
MakeVMI = Callable[..., VirtualMachineInstance]

TEMPLATE = "spec.dataVolumeTemplate[0]"
USED = (
    "template: {spec: {domain: {devices: {disks: null}}, "
    "volumes: [{name: root, dataVolume: {name: d}}]}}"
)


def data_volume(spec: str) -> str:
    return f"{{dataVolumeTemplates: [{{metadata: {{name: d}}, spec: {{{spec}}}}}], {USED}}}"


REFUSED = {
    "two ways to run": (
        "running: true",
        (
            "spec.running",
            "Running and RunStrategy are mutually exclusive. Note that Running is deprecated, "
            "please use RunStrategy instead",
        ),
    ),
    "no way to run": ("runStrategy: null", ("spec.running", "RunStrategy must be specified")),
    "an unknown way to run": (
        "runStrategy: Foo",
        ("spec.runStrategy", "Invalid RunStrategy (Foo)"),
    ),
    "no template": (
        "template: null",
        ("spec.template", "missing virtual machine template."),
    ),
    "a mistake in the template": (
        "template: {spec: {domain: {devices: {disks: [{name: root}, {name: x}]}}}}",
        (
            "spec.template.spec.domain.devices.disks[1].name",
            "spec.template.spec.domain.devices.disks[1].Name 'x' not found.",
        ),
    ),
    "a reserved label in the template": (
        "template: {metadata: {labels: {kubevirt.io/nodeName: n}}}",
        (
            "spec.template.metadata.labels",
            "creation of the following reserved kubevirt.io/ labels on a VMI object is prohibited",
        ),
    ),
    "a sidecar in the template": (
        "template: {metadata: {annotations: {hooks.kubevirt.io/hookSidecars: '[]'}}}",
        (
            "spec.template.metadata.annotations",
            "sidecar feature gate is not enabled in kubevirt-config, invalid entry "
            "spec.template.metadata.annotations.hooks.kubevirt.io/hookSidecars",
        ),
    ),
    "a ceiling below the memory": (
        "template: {spec: {domain: {memory: {maxGuest: 512Mi}}}}",
        (
            "spec.template.spec.domain.memory.guest",
            "Guest memory is greater than the configured maxGuest memory",
        ),
    ),
    "an instance type without a name": (
        "instancetype: {}",
        (
            "spec.instancetype",
            "Either Name or InferFromVolume should be provided within the InstancetypeMatcher",
        ),
    ),
    "a preference without a name": (
        "preference: {kind: VirtualMachinePreference}",
        (
            "spec.preference",
            "Either Name or InferFromVolume should be provided within the PreferenceMatcher",
        ),
    ),
    "an instance type named twice": (
        "instancetype: {name: small, inferFromVolume: root}",
        (
            "spec.instancetype.name",
            "Name should not be provided when InferFromVolume is used within the "
            "InstancetypeMatcher",
        ),
    ),
    "a kind of what is inferred": (
        "preference: {kind: VirtualMachinePreference, inferFromVolume: root}",
        (
            "spec.preference.kind",
            "Kind should not be provided when InferFromVolume is used within the PreferenceMatcher",
        ),
    ),
    "an unknown policy for inference": (
        "preference: {inferFromVolume: root, inferFromVolumeFailurePolicy: Guess}",
        (
            "spec.preference.inferFromVolumeFailurePolicy",
            "Invalid value 'Guess' for InferFromVolumeFailurePolicy",
        ),
    ),
    "a DataVolume that nobody uses": (
        "dataVolumeTemplates: [{metadata: {name: d}, spec: {storage: {}, source: {blank: {}}}}]",
        (
            TEMPLATE,
            f"DataVolumeTemplate entry {TEMPLATE} must be referenced "
            "in the VMI template's 'volumes' list",
        ),
    ),
    "a DataVolume without a name": (
        "dataVolumeTemplates: [{spec: {storage: {}, source: {blank: {}}}}]",
        (
            f"{TEMPLATE}.name",
            f"'name' field must not be empty for DataVolumeTemplate entry {TEMPLATE}.name.",
        ),
    ),
    "a DataVolume of no size": (
        data_volume("source: {blank: {}}"),
        (f"{TEMPLATE}.PVC.Storage", "Missing Data volume PVC or Storage"),
    ),
    "a DataVolume of two sizes": (
        data_volume("pvc: {}, storage: {}, source: {blank: {}}"),
        (
            f"{TEMPLATE}.PVC.Storage",
            "Duplicate storage definition, both target storage and target pvc defined",
        ),
    ),
    "a DataVolume from nowhere": (
        data_volume("storage: {}"),
        (
            f"{TEMPLATE}.source.sourceRef",
            "Data volume should have either Source, SourceRef, or be externally populated",
        ),
    ),
    "a DataVolume that two fill": (
        data_volume("storage: {dataSource: {name: s}}, source: {blank: {}}"),
        (
            f"{TEMPLATE}.source",
            "External population is incompatible with Source and SourceRef",
        ),
    ),
    "a DataVolume from one of no sources": (
        data_volume("storage: {}, source: {}"),
        (f"{TEMPLATE}.source", "Missing dataVolume valid source"),
    ),
    "a DataVolume from two sources": (
        data_volume("storage: {}, source: {blank: {}, http: {url: u}}"),
        (f"{TEMPLATE}.source", "Multiple dataVolume sources"),
    ),
}

ACCEPTED = {
    "the good VM": "{}",
    "running: true": "{runStrategy: null, running: true}",
    "waiting for a migration": "runStrategy: WaitAsReceiver",
    "memory left to an instance type": (
        "{instancetype: {name: small}, template: {spec: {domain: {memory: null}}}}"
    ),
    "a volume without a disk": "template: {spec: {domain: {devices: {disks: null}}}}",
    "a DataVolume": data_volume("storage: {}, source: {registry: {url: docker://image}}"),
    "a DataVolume that others populate": data_volume("pvc: {dataSourceRef: {name: s}}"),
    "a spec of a DataVolume that makes no sense to us": data_volume(
        "storage: 5, source: [1]"
    ).replace("source: [1]", "sourceRef: 1"),
}


@pytest.mark.parametrize(("changes", "complaint"), REFUSED.values(), ids=REFUSED)
def test_refused(vm_complaints: Complaints, changes: str, complaint: tuple[str, str]) -> None:
    assert vm_complaints(changes) == [complaint]


@pytest.mark.parametrize("changes", ACCEPTED.values(), ids=ACCEPTED)
def test_accepted(vm_complaints: Complaints, changes: str) -> None:
    assert vm_complaints(changes) == []


def test_waiting_for_a_migration_needs_its_gate(make_vm: MakeVM) -> None:
    config = ClusterConfig(disabled_feature_gates=frozenset({"DecentralizedLiveMigration"}))
    found = validate(make_vm("runStrategy: WaitAsReceiver"), config)
    assert [violation.message for violation in found] == [
        "Invalid RunStrategy (WaitAsReceiver), DecentralizedLiveMigration feature gate "
        "is not enabled in kubevirt resource"
    ]


def test_a_data_volume_lives_with_its_vm(make_vm: MakeVM) -> None:
    elsewhere = data_volume("storage: {}, source: {blank: {}}").replace(
        "name: d}", "name: d, namespace: other}", 1
    )
    assert [(one.field, one.message) for one in validate(make_vm(elsewhere))] == [
        (
            "spec.dataVolumeTemplates[0]",
            "Embedded DataVolume namespace other differs from VM namespace default",
        )
    ]


def test_nothing_stands_in_the_way_of_a_vm_that_goes(vm_complaints: Complaints) -> None:
    assert vm_complaints("template: null", deletionTimestamp="2026-01-01T00:00:00Z") == []


RESERVED = "kubevirt.io/ labels on a VMI object is prohibited"


@pytest.mark.parametrize("label", ["kubevirt.io/nodeName", "node.kubemu.io/0a1b2c3d"])
def test_only_our_components_create_reserved_labels(make_vmi: MakeVMI, label: str) -> None:
    vmi = make_vmi(labels={label: "", "kubevirt.io/domain": "mine"})
    found = validate_creation(vmi, user_is_ours=False)
    assert [(one.field, one.message, one.reason) for one in found] == [
        (
            "metadata.labels",
            f"creation of the following reserved {RESERVED}",
            "FieldValueNotSupported",
        )
    ]
    assert validate_creation(vmi, user_is_ours=True) == []


def test_utility_volumes_come_later(make_vmi: MakeVMI) -> None:
    vmi = make_vmi("utilityVolumes: [{name: u, claimName: c}]")
    assert [one.message for one in validate_creation(vmi, user_is_ours=True)] == [
        "cannot create VMI with utility volumes in spec, "
        "utility volumes can only be added via hotplug"
    ]


def test_users_do_not_change_a_running_vm(make_vmi: MakeVMI) -> None:
    old, new = make_vmi(), make_vmi("hostname: other")
    found = validate_update(old, new, user_is_ours=False)
    assert [(one.field, one.message, one.reason) for one in found] == [
        ("spec", "update of VMI object is restricted", "FieldValueNotSupported")
    ]
    assert validate_update(old, new, user_is_ours=True) == []
    assert validate_update(old, make_vmi(labels={"a": "b"}), user_is_ours=False) == []


def test_users_do_not_change_reserved_labels(make_vmi: MakeVMI) -> None:
    old, new = make_vmi(labels={"kubevirt.io/nodeName": "a"}), make_vmi()
    assert [one.message for one in validate_update(old, new, user_is_ours=False)] == [
        f"modification of the following reserved {RESERVED}"
    ]
    assert validate_update(old, new, user_is_ours=True) == []


def test_nobody_changes_what_qemu_was_started_with(make_vmi: MakeVMI) -> None:
    old = make_vmi("domain: {cpu: {sockets: 1, maxSockets: 4}, memory: {maxGuest: 4Gi}}")
    new = make_vmi("domain: {cpu: {sockets: 2, maxSockets: 8}, memory: {maxGuest: 8Gi}}")
    assert [one.message for one in validate_update(old, new, user_is_ours=True)] == [
        "CPU topology maxSockets changed",
        "Memory maxGuest changed",
    ]


@pytest.mark.parametrize(
    ("status", "changes", "message"),
    [
        (
            {"snapshotInProgress": "s"},
            "template: {spec: {volumes: [{name: root, emptyDisk: {capacity: 1Gi}}]}}",
            'Cannot update vm disks or volumes until snapshot "s" completes',
        ),
        (
            {"snapshotInProgress": "s"},
            "runStrategy: Halted",
            'Cannot update vm running state until snapshot "s" completes',
        ),
        (
            {"restoreInProgress": "r"},
            "runStrategy: Halted",
            'Cannot update VM runStrategy until restore "r" completes',
        ),
    ],
)
def test_a_vm_is_left_alone_while_it_is_copied(
    make_vm: MakeVM, status: dict[str, Any], changes: str, message: str
) -> None:
    old = VirtualMachine.from_json(make_vm().to_json() | {"status": status})
    new = VirtualMachine.from_json(make_vm(changes).to_json() | {"status": status})
    assert [one.message for one in validate_update(old, new, user_is_ours=False)] == [message]
    assert validate_update(make_vm(), make_vm(changes), user_is_ours=False) == []
    assert validate_update(old, old, user_is_ours=False) == []


def test_another_instance_type_is_another_revision(make_vm: MakeVM) -> None:
    old = make_vm("instancetype: {name: a, revisionName: r1}")
    same = make_vm("instancetype: {name: b, revisionName: r1}")
    assert [one.message for one in validate_update(old, same, user_is_ours=False)] == [
        "the Matcher Name has been updated without updating the RevisionName"
    ]
    other = make_vm("instancetype: {name: b}")
    assert validate_update(old, other, user_is_ours=False) == []


def test_what_is_deprecated_is_warned_of(make_vm: MakeVM, make_vmi: MakeVMI) -> None:
    assert warnings(make_vm("{runStrategy: null, running: false}")) == [
        "spec.running is deprecated, please use spec.runStrategy instead."
    ]
    preset = {"virtualmachinepreset.kubevirt.io/small": "kubevirt.io/v1"}
    assert warnings(make_vmi(annotations=preset)) == [
        "kubevirt.io/v1 VirtualMachineInstancePresets is now deprecated and will be removed in v2."
    ]
    assert warnings(make_vm()) == []
