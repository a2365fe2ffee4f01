"""Controllers, migrations, sizes and presets: what is refused, where, and in which words."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from virtcrds import ClusterConfig, parse, validate, validate_update, warnings
from virtcrds.kind import Kind
from virtcrds.kubernetes.meta import LabelSelector
from virtcrds.validation.selectors import matches

INSTANCE = (
    "{domain: {memory: {guest: 1Gi}, devices: {}}, "
    "volumes: [{name: root, containerDisk: {image: tiny}}]}"
)
GOOD = {
    "VirtualMachineInstanceReplicaSet": (
        "kubevirt.io/v1",
        f"{{selector: {{matchLabels: {{a: b}}}}, "
        f"template: {{metadata: {{labels: {{a: b}}}}, spec: {INSTANCE}}}}}",
    ),
    "VirtualMachinePool": (
        "pool.kubevirt.io/v1beta1",
        "{selector: {matchLabels: {a: b}}, virtualMachineTemplate: {metadata: {labels: {a: b}}, "
        f"spec: {{runStrategy: Always, template: {{spec: {INSTANCE}}}}}}}}}",
    ),
    "VirtualMachineInstanceMigration": ("kubevirt.io/v1", "{vmiName: vm}"),
    "MigrationPolicy": ("migrations.kubevirt.io/v1alpha1", "{selectors: {}}"),
    "VirtualMachineInstancetype": (
        "instancetype.kubevirt.io/v1beta1",
        "{cpu: {guest: 1}, memory: {guest: 1Gi}}",
    ),
    "VirtualMachineClusterInstancetype": (
        "instancetype.kubevirt.io/v1beta1",
        "{cpu: {guest: 1}, memory: {guest: 1Gi}}",
    ),
    "VirtualMachinePreference": ("instancetype.kubevirt.io/v1beta1", "{}"),
    "VirtualMachineClusterPreference": ("instancetype.kubevirt.io/v1beta1", "{}"),
    "VirtualMachineInstancePreset": (
        "kubevirt.io/v1",
        "{selector: {}, domain: {devices: {disks: [{name: root, disk: {bus: virtio}}]}}}",
    ),
    "VirtualMachineSnapshot": (
        "snapshot.kubevirt.io/v1beta1",
        "{source: {apiGroup: kubevirt.io, kind: VirtualMachine, name: vm}}",
    ),
}
RS, POOL, MIGRATION = list(GOOD)[:3]
POLICY, SIZE, _, PREFERENCE, _, PRESET, _ = list(GOOD)[3:]


def merged(tree: Any, changes: Any) -> Any:
    if not isinstance(tree, dict) or not isinstance(changes, dict):
        return changes
    result = tree | {key: merged(tree.get(key), value) for key, value in changes.items()}
    return {key: value for key, value in result.items() if value is not None}


def made(kind: str, changes: str = "{}", **rest: Any) -> Kind:
    version, spec = GOOD[kind]
    tree = {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": "one"},
        "spec": merged(yaml.safe_load(spec), yaml.safe_load(changes)),
    }
    return parse(merged(tree, rest)).object


def complaints(obj: Kind, config: ClusterConfig | None = None) -> list[tuple[str, str]]:
    return [(found.field, found.message) for found in validate(obj, config or ClusterConfig())]


@pytest.mark.parametrize("kind", GOOD)
def test_what_is_right_is_taken(kind: str) -> None:
    assert complaints(made(kind)) == []


REFUSED = {
    "a replica set that would not find its instances": (
        RS,
        "selector: {matchLabels: {a: c}}",
        ("spec.selector", "selector does not match labels."),
    ),
    "a selector that selects nothing that can be": (
        RS,
        "selector: {matchExpressions: [{key: a, operator: In}]}",
        (
            "spec.selector.matchExpressions[0].values",
            "spec.selector.matchExpressions[0].values: Required value: "
            "must be specified when `operator` is 'In' or 'NotIn'",
        ),
    ),
    "a mistake in a replica set's template": (
        RS,
        "template: {spec: {domain: {devices: {disks: [{name: x}]}}}}",
        (
            "spec.template.spec.domain.devices.disks[0].name",
            "spec.template.spec.domain.devices.disks[0].Name 'x' not found.",
        ),
    ),
    "a reserved label in a replica set's template": (
        RS,
        "template: {metadata: {labels: {kubevirt.io/nodeName: n}}}",
        (
            "spec.template.metadata.labels",
            "creation of the following reserved kubevirt.io/ labels on a VMI object is prohibited",
        ),
    ),
    "a pool that would not find its VMs": (
        POOL,
        "virtualMachineTemplate: {metadata: {labels: {a: c}}}",
        ("spec.selector", "selector does not match labels."),
    ),
    "a pool without a template for instances": (
        POOL,
        "virtualMachineTemplate: {spec: {template: null}}",
        (
            "spec.virtualMachineTemplate.spec.template",
            "missing virtual machine template.",
        ),
    ),
    "a pool of VMs that run in no way": (
        POOL,
        "virtualMachineTemplate: {spec: {runStrategy: Foo}}",
        ("spec.virtualMachineTemplate.spec.runStrategy", "Invalid RunStrategy (Foo)"),
    ),
    "a mistake in a pool's instances": (
        POOL,
        f"virtualMachineTemplate: {{spec: {{template: {{spec: {{hostname: '{'a' * 64}'}}}}}}}}",
        (
            "spec.virtualMachineTemplate.spec.template.spec.hostname",
            "spec.virtualMachineTemplate.spec.template.spec.hostname does not conform to the "
            "kubernetes DNS_LABEL rules : must be no more than 63 characters",
        ),
    ),
    "a part that is none": (
        POOL,
        "maxUnavailable: half",
        (
            "spec.maxUnavailable",
            'spec.maxUnavailable: Invalid value: "half": a valid percent string must be a '
            "numeric string followed by an ending '%'",
        ),
    ),
    "fewer than no VMs": (
        POOL,
        "maxUnavailable: -1",
        (
            "spec.maxUnavailable",
            "spec.maxUnavailable: Invalid value: -1: must be greater than or equal to 0",
        ),
    ),
    "a migration of nothing": (
        MIGRATION,
        "vmiName: null",
        ("spec.vmiName", "vmiName is missing"),
    ),
    "a migration of what cannot exist": (
        MIGRATION,
        "vmiName: a/b",
        (
            "spec.vmiName",
            'spec.vmiName: Invalid value: "a/b": a lowercase RFC 1123 subdomain must consist of '
            "lower case alphanumeric characters, '-' or '.', and must start and end with an "
            "alphanumeric character (e.g. 'example.com', regex used for validation is "
            "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
        ),
    ),
    "a migration to nodes that cannot be": (
        MIGRATION,
        "addedNodeSelector: {a: '-'}",
        (
            "spec.addedNodeSelector",
            'spec.addedNodeSelector: Invalid value: "-": a valid label must be an empty string '
            "or consist of alphanumeric characters, '-', '_' or '.', and must start and end with "
            "an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used "
            "for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
        ),
    ),
    "a priority that nobody knows": (
        MIGRATION,
        "priority: now",
        ("spec.priority", "spec.priority is set with an unrecognized option: now"),
    ),
    "two ends of different migrations": (
        MIGRATION,
        "{sendTo: {migrationID: a, connectURL: 'h:1'}, receive: {migrationID: b}}",
        (
            "spec.sendTo.migrationID",
            "spec.sendTo.migrationID must match spec.receive.migrationID when both are set",
        ),
    ),
    "an address of two lines": (
        MIGRATION,
        '{sendTo: {migrationID: a, connectURL: "h:1\\nh:2"}}',
        (
            "spec.sendTo.connectURL",
            "spec.sendTo.connectURL must not contain control characters",
        ),
    ),
    "a negative timeout": (
        POLICY,
        "completionTimeoutPerGiB: -1",
        ("spec.completionTimeoutPerGiB", "must not be negative"),
    ),
    "a negative bandwidth": (
        POLICY,
        "bandwidthPerMigration: -64Mi",
        ("spec.bandwidthPerMigration", "must not be negative"),
    ),
    "memory that is promised twice and cannot be": (
        SIZE,
        "memory: {overcommitPercent: 50, hugepages: {pageSize: 2Mi}}",
        (
            "spec.memory.overcommitPercent",
            "spec.memory.overcommitPercent and spec.memory.hugepages "
            "should not be requested together.",
        ),
    ),
    "a size without memory": (
        SIZE,
        "memory: {guest: '0'}",
        ("spec.memory.guest", "spec.memory.guest '0' must be greater than 0"),
    ),
    "three threads": (
        PREFERENCE,
        "cpu: {preferredCPUTopology: spread, spreadOptions: {across: CoresThreads, ratio: 3}}",
        (
            "spec.cpu.spreadOptions.ratio",
            "only a ratio of 2 (1 core 2 threads) is allowed when spreading vCPUs over cores and "
            "threads",
        ),
    ),
    "three threads in the older spelling": (
        PREFERENCE,
        "{preferSpreadSocketToCoreRatio: 3, "
        "cpu: {preferredCPUTopology: preferSpread, spreadOptions: {across: CoresThreads}}}",
        (
            "spec.cpu.spreadOptions.ratio",
            "only a ratio of 2 (1 core 2 threads) is allowed when spreading vCPUs over cores and "
            "threads",
        ),
    ),
    "a preset of nothing": (PRESET, "domain: null", ("spec.domain", "missing domain.")),
    "a preset with a disk that cannot be": (
        PRESET,
        "domain: {devices: {disks: [{name: root, bootOrder: 0}]}}",
        (
            "spec.domain.devices.disks[0].bootOrder",
            "spec.domain.devices.disks[0] must have a boot order > 0, if supplied",
        ),
    ),
}


@pytest.mark.parametrize(("kind", "changes", "expected"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_is_refused(kind: str, changes: str, expected: tuple[str, str]) -> None:
    assert complaints(made(kind, changes)) == [expected]


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (POOL, "maxUnavailable: 50%"),
        (RS, "selector: {matchExpressions: [{key: a, operator: NotIn, values: [c]}]}"),
        (MIGRATION, "{sendTo: {migrationID: a, connectURL: 'h:1'}, receive: {migrationID: a}}"),
        (SIZE, "memory: {overcommitPercent: 50}"),
        (PREFERENCE, "cpu: {preferredCPUTopology: spread, spreadOptions: {ratio: 3}}"),
        (PREFERENCE, "cpu: {spreadOptions: {across: CoresThreads, ratio: 3}}"),
    ],
)
def test_what_looks_odd_is_taken(kind: str, changes: str) -> None:
    assert complaints(made(kind, changes)) == []


def test_migrations_between_clusters_can_be_switched_off() -> None:
    config = ClusterConfig(disabled_feature_gates=frozenset({"DecentralizedLiveMigration"}))
    assert complaints(made(MIGRATION, "receive: {migrationID: a}"), config) == [
        (
            "spec.receive",
            "DecentralizedLiveMigration feature gate is not enabled in kubevirt resource",
        )
    ]


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        ("{}", True),
        ("matchLabels: {a: b}", True),
        ("matchLabels: {a: b, c: d}", False),
        ("matchExpressions: [{key: a, operator: In, values: [b, c]}]", True),
        ("matchExpressions: [{key: a, operator: NotIn, values: [b, c]}]", False),
        ("matchExpressions: [{key: x, operator: In, values: [b]}]", False),
        ("matchExpressions: [{key: x, operator: NotIn, values: [b]}]", True),
        ("matchExpressions: [{key: a, operator: Exists}]", True),
        ("matchExpressions: [{key: x, operator: Exists}]", False),
        ("matchExpressions: [{key: a, operator: DoesNotExist}]", False),
        ("matchExpressions: [{key: x, operator: DoesNotExist}]", True),
        ("matchExpressions: [{key: a, operator: Resembles}]", False),
        ("{matchLabels: {a: b}, matchExpressions: [{key: x, operator: Exists}]}", False),
    ],
)
def test_selectors_select_as_those_of_kubernetes(selector: str, selected: bool) -> None:
    parsed = LabelSelector.from_json(yaml.safe_load(selector))
    assert matches(parsed, {"a": "b", "e": "f"}) is selected


def updated(old: Kind, new: Kind) -> list[tuple[str, str]]:
    return [(found.field, found.message) for found in validate_update(old, new, True)]


def test_a_pool_keeps_its_selector() -> None:
    old, new = made(POOL), made(POOL, "selector: {matchLabels: {c: d}}")
    assert updated(old, new) == [("spec.selector", "selector is immutable after creation.")]
    assert updated(old, made(POOL, "replicas: 3")) == []
    assert updated(made(RS), made(RS, "selector: {matchLabels: {c: d}}")) == []


def test_a_migration_stays_what_was_asked_for() -> None:
    assert updated(made(MIGRATION), made(MIGRATION, "vmiName: other")) == [
        ("spec", "update of Migration object's spec is restricted")
    ]


@pytest.mark.parametrize(
    ("labels", "phase", "message"),
    [
        ({"kubevirt.io/vmi-name": "vm", "more": "x"}, "Running", None),
        ({"kubevirt.io/vmi-name": "a"}, "Running", "modified on"),
        ({"more": "x"}, "Running", "modified on"),
        ({}, "Running", "removed from"),
        ({}, "Succeeded", None),
        ({}, "Failed", None),
    ],
)
def test_a_running_migration_can_always_be_found(
    labels: dict[str, str], phase: str, message: str | None
) -> None:
    old = made(MIGRATION, metadata={"labels": {"kubevirt.io/vmi-name": "vm"}})
    new = made(MIGRATION, metadata={"labels": labels}, status={"phase": phase})
    expected = f"selector label can't be {message} an in-flight migration"
    assert updated(old, new) == ([("metadata.labels", expected)] if message else [])


@pytest.mark.parametrize(
    ("kind", "changes", "expected"),
    [
        (
            PRESET,
            "{}",
            "kubevirt.io/v1 VirtualMachineInstancePresets is now deprecated and will be removed "
            "in v2.",
        ),
        (
            SIZE,
            "launchSecurity: {sev: {}}",
            "launchSecurity is deprecated and will be removed in a future release. "
            "Use preference instead.",
        ),
        (
            POOL,
            "virtualMachineTemplate: {spec: {running: true, runStrategy: null}}",
            "spec.virtualMachineTemplate.spec.running is deprecated, please use "
            "spec.virtualMachineTemplate.spec.runStrategy instead.",
        ),
    ],
)
def test_what_will_go_is_warned_of(kind: str, changes: str, expected: str) -> None:
    assert warnings(made(kind, changes)) == [expected]


def test_nothing_is_said_of_what_stays() -> None:
    assert [warnings(made(kind)) for kind in (RS, POOL, MIGRATION, SIZE, PREFERENCE)] == [[]] * 5
