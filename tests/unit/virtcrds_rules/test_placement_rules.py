"""Scheduling, DNS, credentials, probes, metadata: a table of what is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Complaints = Callable[..., list[tuple[str, str]]]

NAME_RULE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end "
    "with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value', "
    " or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    r"for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
KEYS = "spec.accessCredentials[0]"
NODES = (
    "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"
)
PODS = "spec.affinity.podAffinity"
AGENT = "propagationMethod: {qemuGuestAgent: {users: [root]}}"


def node_label(requirement: str) -> str:
    return (
        "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
        f"{{nodeSelectorTerms: [{{matchExpressions: [{{{requirement}}}]}}]}}}}}}"
    )


def node_field(requirement: str) -> str:
    return node_label(requirement).replace("matchExpressions", "matchFields")


def keys(settings: str) -> str:
    return f"accessCredentials: [{{sshPublicKey: {{{settings}}}}}]"


REFUSED = {
    "a key of an access credential from nowhere": (
        keys(f"source: {{}}, {AGENT}"),
        (f"{KEYS}.sshPublicKey.source", f"{KEYS} must have exactly one source set"),
    ),
    "a key that goes nowhere": (
        keys("source: {secret: {secretName: s}}, propagationMethod: {}"),
        (
            f"{KEYS}.sshPublicKey.propagationMethod",
            f"{KEYS} must have exactly one propagationMethod set",
        ),
    ),
    "a key for nobody": (
        keys("source: {secret: {secretName: s}}, propagationMethod: {qemuGuestAgent: {users: []}}"),
        (
            f"{KEYS}.sshPublicKey.propagationMethod.qemuGuestAgent.users",
            f"{KEYS} requires at least one user to be present in the users list",
        ),
    ),
    "a key by a seed that is not there": (
        keys("source: {secret: {secretName: s}}, propagationMethod: {noCloud: {}}"),
        (
            f"{KEYS}.sshPublicKey.propagationMethod",
            f"{KEYS} requires a noCloud volume to exist "
            "when the noCloud propagationMethod is in use.",
        ),
    ),
    "a key by a drive that is not there": (
        keys("source: {secret: {secretName: s}}, propagationMethod: {configDrive: {}}"),
        (
            f"{KEYS}.sshPublicKey.propagationMethod",
            f"{KEYS} requires a configDrive volume to exist "
            "when the configDrive propagationMethod is in use.",
        ),
    ),
    "a password from nowhere": (
        "accessCredentials: "
        "[{userPassword: {source: {}, propagationMethod: {qemuGuestAgent: {}}}}]",
        (f"{KEYS}.userPassword.source", f"{KEYS} must have exactly one source set"),
    ),
    "credentials of no kind": (
        "accessCredentials: [{}]",
        (KEYS, f"{KEYS} must have exactly one access credential type set"),
    ),
    "a key from a secret without a name": (
        keys(f"source: {{secret: {{secretName: ''}}}}, {AGENT}"),
        (
            f"{KEYS}.sshPublicKey.source.secret.secretName",
            f"{KEYS}.sshPublicKey.source.secret.secretName is a required field",
        ),
    ),
    "an unknown DNS policy": (
        "dnsPolicy: Foo",
        (
            "spec.dnsPolicy",
            "DNSPolicy: Foo is not supported, "
            "valid values: [ClusterFirstWithHostNet ClusterFirst Default None ]",
        ),
    ),
    "no DNS at all": (
        "dnsPolicy: None",
        ("spec.dnsConfig", "must provide `dnsConfig` when `dnsPolicy` is None"),
    ),
    "DNS without a server": (
        "{dnsPolicy: None, dnsConfig: {searches: [example.com]}}",
        (
            "spec.dnsConfig.nameservers",
            "must provide at least one DNS nameserver when `dnsPolicy` is None",
        ),
    ),
    "four name servers": (
        "dnsConfig: {nameservers: [1.1.1.1, 1.1.1.2, 1.1.1.3, 1.1.1.4]}",
        (
            "spec.dnsConfig.nameservers",
            "must not have more than 3 nameservers: [1.1.1.1 1.1.1.2 1.1.1.3 1.1.1.4]",
        ),
    ),
    "a name server by name": (
        "dnsConfig: {nameservers: [dns.example.com]}",
        ("spec.dnsConfig.nameservers", "must be valid IP address: dns.example.com"),
    ),
    "seven search domains": (
        "dnsConfig: {searches: [a, b, c, d, e, f, g]}",
        ("spec.dnsConfig.searches", "must not have more than 6 search paths"),
    ),
    "search domains beyond the resolver": (
        f"dnsConfig: {{searches: [{'a' * 60}.{'b' * 60}, {'c' * 60}.{'d' * 60}, {'e' * 60}]}}",
        (
            "spec.dnsConfig.searches",
            "must not have more than 256 characters (including spaces) in the search list",
        ),
    ),
    "a search domain with a blank": (
        "dnsConfig: {searches: [a b]}",
        ("spec.dnsConfig.searches", SUBDOMAIN_RULE),
    ),
    "a resolver option without a name": (
        "dnsConfig: {options: [{value: '5'}]}",
        ("spec.dnsConfig.options", "Option.Name must not be empty"),
    ),
    "a negative grace period": (
        "terminationGracePeriodSeconds: -1",
        (
            "spec.terminationGracePeriodSeconds",
            "spec.terminationGracePeriodSeconds '-1': must be greater than or equal to 0.",
        ),
    ),
    "a node label that is none": (
        "nodeSelector: {'a b': c}",
        ("spec.nodeSelector", f'spec.nodeSelector: Invalid value: "a b": {NAME_RULE}'),
    ),
    "a node label's value that is none": (
        "nodeSelector: {a: 'b c'}",
        ("spec.nodeSelector", f'spec.nodeSelector: Invalid value: "b c": {VALUE_RULE}'),
    ),
    "a toleration of everything by accident": (
        "tolerations: [{effect: NoSchedule}]",
        (
            "spec.tolerations[0].operator",
            'spec.tolerations[0].operator: Invalid value: "": operator must be Exists when `key` '
            'is empty, which means "match all values and all keys"',
        ),
    ),
    "a toleration with an unknown operator": (
        "tolerations: [{key: a, operator: Like}]",
        (
            "spec.tolerations[0].operator",
            'spec.tolerations[0].operator: Unsupported value: "Like": '
            'supported values: "Equal", "Exists"',
        ),
    ),
    "a toleration of a value that only exists": (
        "tolerations: [{key: a, operator: Exists, value: b}]",
        (
            "spec.tolerations[0].operator",
            'spec.tolerations[0].operator: Invalid value: "Exists": '
            "value must be empty when `operator` is 'Exists'",
        ),
    ),
    "a toleration of an unknown effect": (
        "tolerations: [{key: a, effect: Never}]",
        (
            "spec.tolerations[0].effect",
            'spec.tolerations[0].effect: Unsupported value: "Never": supported values: '
            '"NoSchedule", "PreferNoSchedule", "NoExecute"',
        ),
    ),
    "a toleration for a while of something without duration": (
        "tolerations: [{key: a, effect: NoSchedule, tolerationSeconds: 5}]",
        (
            "spec.tolerations[0].effect",
            'spec.tolerations[0].effect: Invalid value: "NoSchedule": '
            "effect must be 'NoExecute' when `tolerationSeconds` is set",
        ),
    ),
    "affinity to one of no nodes": (
        node_label("key: a, operator: In"),
        (
            f"{NODES}[0].matchExpressions[0].values",
            f"{NODES}[0].matchExpressions[0].values: Required value: "
            "must be specified when `operator` is 'In' or 'NotIn'",
        ),
    ),
    "affinity to a label with values it cannot have": (
        node_label("key: a, operator: Exists, values: [b]"),
        (
            f"{NODES}[0].matchExpressions[0].values",
            f"{NODES}[0].matchExpressions[0].values: Forbidden: "
            "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        ),
    ),
    "affinity to more than two numbers": (
        node_label("key: a, operator: Gt, values: ['1', '2']"),
        (
            f"{NODES}[0].matchExpressions[0].values",
            f"{NODES}[0].matchExpressions[0].values: Required value: "
            "must be specified single value when `operator` is 'Lt' or 'Gt'",
        ),
    ),
    "affinity by an unknown operator": (
        node_label("key: a, operator: Near"),
        (
            f"{NODES}[0].matchExpressions[0].operator",
            f'{NODES}[0].matchExpressions[0].operator: Invalid value: "Near": '
            "not a valid selector operator",
        ),
    ),
    "affinity to an unknown field": (
        node_field("key: metadata.uid, operator: In, values: [a]"),
        (
            f"{NODES}[0].matchFields[0].key",
            f'{NODES}[0].matchFields[0].key: Invalid value: "metadata.uid": '
            "not a valid field selector key",
        ),
    ),
    "affinity to two nodes at once": (
        node_field("key: metadata.name, operator: In, values: [a, b]"),
        (
            f"{NODES}[0].matchFields[0].values",
            f"{NODES}[0].matchFields[0].values: Required value: must be only one value when "
            "`operator` is 'In' or 'NotIn' for node field selector",
        ),
    ),
    "affinity to nothing": (
        "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
        "{nodeSelectorTerms: []}}}",
        (NODES, f"{NODES}: Required value: must have at least one node selector term"),
    ),
    "a wish of no weight": (
        "affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: "
        "[{weight: 0, preference: {}}]}}",
        (
            "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight",
            "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: "
            "Invalid value: 0: must be in the range 1-100",
        ),
    ),
    "neighbours in a namespace that is none": (
        "affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
        "[{topologyKey: zone, namespaces: [A]}]}}",
        (
            f"{PODS}.requiredDuringSchedulingIgnoredDuringExecution[0].namespace",
            f"{PODS}.requiredDuringSchedulingIgnoredDuringExecution[0].namespace: "
            'Invalid value: "A": a lowercase RFC 1123 label must consist of lower case '
            "alphanumeric characters or '-', and must start and end with an alphanumeric character "
            "(e.g. 'my-name',  or '123-abc', regex used for validation is "
            "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
        ),
    ),
    "neighbours selected by nothing known": (
        "affinity: {podAffinity: {preferredDuringSchedulingIgnoredDuringExecution: "
        "[{weight: 5, podAffinityTerm: {topologyKey: zone, labelSelector: "
        "{matchExpressions: [{key: a, operator: Near}]}}}]}}",
        (
            f"{PODS}.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm"
            ".labelSelector.matchExpressions[0].operator",
            f"{PODS}.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm"
            '.labelSelector.matchExpressions[0].operator: Invalid value: "Near": '
            "not a valid selector operator",
        ),
    ),
    "spreading without room": (
        "topologySpreadConstraints: "
        "[{maxSkew: 0, topologyKey: zone, whenUnsatisfiable: DoNotSchedule}]",
        (
            "spec.topologySpreadConstraints[0].maxSkew",
            "spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: "
            "must be greater than zero",
        ),
    ),
    "spreading over nothing": (
        "topologySpreadConstraints: "
        "[{maxSkew: 1, topologyKey: '', whenUnsatisfiable: DoNotSchedule}]",
        (
            "spec.topologySpreadConstraints[0].topologyKey",
            "spec.topologySpreadConstraints[0].topologyKey: Required value: can not be empty",
        ),
    ),
    "spreading, or what else": (
        "topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: Cry}]",
        (
            "spec.topologySpreadConstraints[0].whenUnsatisfiable",
            'spec.topologySpreadConstraints[0].whenUnsatisfiable: Unsupported value: "Cry": '
            'supported values: "DoNotSchedule", "ScheduleAnyway"',
        ),
    ),
}

ACCEPTED = {
    "keys by a seed": (
        "{accessCredentials: [{sshPublicKey: {source: {secret: {secretName: s}}, "
        "propagationMethod: {noCloud: {}}}}], domain: {devices: {disks: null}}, "
        "volumes: [{name: seed, cloudInitNoCloud: {userData: a}}]}"
    ),
    "a resolver of one's own": (
        "{dnsPolicy: None, dnsConfig: {nameservers: [1.1.1.1, '2606:4700::1'], "
        "searches: [a.example.com], options: [{name: ndots, value: '5'}]}}"
    ),
    "tolerations": (
        "tolerations: [{operator: Exists}, {key: a/b, value: c, effect: NoExecute, "
        "tolerationSeconds: 5}]"
    ),
    "one node": node_field("key: metadata.name, operator: In, values: [node-1.example.com]"),
    "probes": (
        "{readinessProbe: {httpGet: {port: 80}}, livenessProbe: {exec: {command: [sh, -c, "
        '"true\\nfalse"]}}}'
    ),
}


@pytest.mark.parametrize(("changes", "complaint"), REFUSED.values(), ids=REFUSED)
def test_refused(complaints: Complaints, changes: str, complaint: tuple[str, str]) -> None:
    assert complaints(changes) == [complaint]


@pytest.mark.parametrize("changes", ACCEPTED.values(), ids=ACCEPTED)
def test_accepted(complaints: Complaints, changes: str) -> None:
    assert complaints(changes) == []


@pytest.mark.parametrize(
    ("metadata", "field", "message"),
    [
        (
            {"name": ""},
            "metadata.name",
            "metadata.name: Required value: name or generateName is required",
        ),
        (
            {"name": "My_VM"},
            "metadata.name",
            f'metadata.name: Invalid value: "My_VM": {SUBDOMAIN_RULE}',
        ),
        (
            {"name": "a" * 254},
            "metadata.name",
            f'metadata.name: Invalid value: "{"a" * 254}": must be no more than 253 characters',
        ),
        (
            {"namespace": "a" * 64},
            "metadata.namespace",
            f'metadata.namespace: Invalid value: "{"a" * 64}": must be no more than 63 characters',
        ),
        (
            {"labels": {"/a": "b"}},
            "metadata.labels",
            'metadata.labels: Invalid value: "/a": prefix part must be non-empty',
        ),
        (
            {"labels": {"a": "b" * 64}},
            "metadata.labels",
            f'metadata.labels: Invalid value: "{"b" * 64}": must be no more than 63 characters',
        ),
        (
            {"annotations": {"a": "b" * (1 << 18)}},
            "metadata.annotations",
            "metadata.annotations: Too long: may not be more than 262144 bytes",
        ),
        (
            {"annotations": {"kubevirt.io/ignitiondata": "{}"}},
            "metadata.annotations",
            "ExperimentalIgnitionSupport feature gate is not enabled in kubevirt-config, "
            "invalid entry metadata.annotations.kubevirt.io/ignitiondata",
        ),
    ],
)
def test_metadata_are_what_an_api_server_takes(
    complaints: Complaints, metadata: dict[str, object], field: str, message: str
) -> None:
    assert complaints("{}", **metadata) == [(field, message)]


def test_a_generated_name_may_end_in_a_dash(complaints: Complaints) -> None:
    assert complaints("{}", name="", generateName="vm-") == []
