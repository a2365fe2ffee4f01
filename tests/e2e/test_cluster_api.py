"""The API server is a whole one: policies, admission, aggregation, an audit log, metrics."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import pytest

from tests.e2e.kube import Kube, Object, Refused, eventually
from tests.e2e.objects import FOREVER, a_pod

pytestmark = pytest.mark.cluster

POLICIES = "admissionregistration.k8s.io/v1"


def a_config_map(name: str, **data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def a_policy(kind: str, name: str, **spec: object) -> list[Object]:
    """A policy of admission for the config maps of the namespace of the same name."""
    rule = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE"],
        "resources": ["configmaps"],
    }
    namespace = {"matchLabels": {"kubernetes.io/metadata.name": name}}
    match = {"resourceRules": [rule], "namespaceSelector": namespace}
    binding = {"Deny": {"validationActions": ["Deny"]}}.get(str(spec.pop("action", "")), {})
    return [
        {
            "apiVersion": POLICIES,
            "kind": kind,
            "metadata": {"name": name},
            "spec": {"matchConstraints": match, **spec},
        },
        {
            "apiVersion": POLICIES,
            "kind": f"{kind}Binding",
            "metadata": {"name": name},
            "spec": {"policyName": name, **binding},
        },
    ]


@pytest.fixture
def without_policies(kube: Kube, namespace: str) -> Iterator[None]:
    """Policies belong to no namespace: what a test named after its own goes with it."""
    yield
    kinds = [f"{verb}admissionpolicy" for verb in ("validating", "mutating")]
    kinds += [f"{kind}binding" for kind in kinds]
    for kind in kinds:
        kube.run("delete", kind, namespace, "--ignore-not-found")


@pytest.mark.usefixtures("without_policies")
def test_a_validating_policy_refuses(kube: Kube, namespace: str) -> None:
    rules = [{"expression": "!('evil' in object.data)", "message": "no evil here"}]
    policy = a_policy("ValidatingAdmissionPolicy", namespace, validations=rules, action="Deny")
    kube.apply("", *policy)

    def refused() -> bool:
        try:
            kube.run("-n", namespace, "create", "configmap", "bad", "--from-literal=evil=1")
        except Refused as error:
            assert "no evil here" in str(error)
            return True
        kube.delete(namespace, "configmap", "bad")
        return False

    eventually(refused)
    kube.apply(namespace, a_config_map("good", good="1"))


@pytest.mark.usefixtures("without_policies")
def test_a_mutating_policy_changes(kube: Kube, namespace: str) -> None:
    change = "Object{metadata: Object.metadata{labels: {'touched': 'yes'}}}"
    mutations = [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": change}}]
    policy = a_policy(
        "MutatingAdmissionPolicy",
        namespace,
        mutations=mutations,
        reinvocationPolicy="Never",
        failurePolicy="Fail",
    )
    kube.apply("", *policy)

    def touched() -> bool:
        kube.run("-n", namespace, "create", "configmap", "c")
        labels = kube.get(namespace, "configmap", "c")["metadata"].get("labels", {})
        kube.delete(namespace, "configmap", "c")
        return bool(labels.get("touched") == "yes")

    eventually(touched)


@pytest.mark.restricted
def test_a_restricted_namespace_refuses_privilege(kube: Kube, namespace: str) -> None:
    with pytest.raises(Refused, match='violates PodSecurity "restricted:latest"'):
        kube.apply(namespace, a_pod(kube, "p", "exit 0"))


@pytest.mark.restricted
def test_a_restricted_namespace_runs_what_is_modest(kube: Kube, namespace: str) -> None:
    modest = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "runAsUser": 107,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    kube.apply(namespace, a_pod(kube, "p", FOREVER, container={"securityContext": modest}))
    kube.await_ready(namespace, "p")
    status = kube.execute(namespace, "p", "/bin/cat", "/proc/self/status")
    assert "CapEff:\t0000000000000000\n" in status
    assert "NoNewPrivs:\t1\n" in status


def test_the_aggregation_layer_takes_apis(kube: Kube, namespace: str) -> None:
    group = f"{namespace}.kubemu.io"
    api = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": f"v1.{group}"},
        "spec": {
            "group": group,
            "version": "v1",
            "groupPriorityMinimum": 1000,
            "versionPriority": 15,
            "service": {"name": "nobody", "namespace": namespace},
            "insecureSkipTLSVerify": True,
        },
    }
    kube.apply("", api)
    try:
        reason = '.status.conditions[?(@.type=="Available")].reason'
        kube.wait("", "apiservice", f"v1.{group}", reason, "ServiceNotFound")
    finally:
        kube.delete("", "apiservice", f"v1.{group}")


def test_an_extension_learns_whom_to_trust(kube: Kube) -> None:
    found = kube.get("kube-system", "configmap", "extension-apiserver-authentication")["data"]
    assert found["requestheader-client-ca-file"].startswith("-----BEGIN CERTIFICATE-----")
    assert found["requestheader-allowed-names"] == '["front-proxy-client"]'


def test_writes_are_counted_by_user_and_object(kube: Kube, namespace: str) -> None:
    if kube.audit_log is None:
        pytest.skip("this cluster's audit log is not on this machine")
    since = datetime.datetime.now(datetime.UTC)
    kube.apply(namespace, a_config_map("c"))
    kube.patch(namespace, "configmap", "c", {"data": {"a": "1"}})
    kube.get(namespace, "configmap", "c")
    kube.delete(namespace, "configmap", "c")
    expected = [("create", "c", 201), ("patch", "c", 200), ("delete", "c", 200)]

    def counted() -> bool:
        found = kube.writes(since, "kubernetes-admin")
        mine = [w for w in found if (w.namespace, w.resource) == (namespace, "configmaps")]
        return [(write.verb, write.name, write.code) for write in mine] == expected

    eventually(counted)


def test_metrics_are_served(kube: Kube, namespace: str) -> None:
    kube.apply(namespace, a_pod(kube, "p", FOREVER, "node-a"))
    kube.await_ready(namespace, "p")
    label = f'namespace="{namespace}",pod="p"'
    usage = "/api/v1/nodes/node-a/proxy/metrics/resource"
    eventually(lambda: f"{{{label}}}" in kube.run("get", "--raw", usage))
    assert "apiserver_request_total{" in kube.run("get", "--raw", "/metrics")
