"""The committed CRDs: made from the models, structural, small, and as clients know them."""

from __future__ import annotations

import functools
import json
import pathlib
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from virtcrds.__main__ import DEFAULT_FOLDER, HEAD, main, manifests, outdated, write
from virtcrds.catalog import RESOURCES
from virtcrds.manifest import crd as manifest_crd
from virtcrds.manifest.yamltext import yaml_text
from virtcrds.resource import Resource

Schema = dict[str, Any]
crd = functools.cache(manifest_crd.crd)

# name: versions (* is stored, ! is deprecated), short names, in `kubectl get all`, subresources,
# columns (those in parentheses are wide)
CONTRACT = """
virtualmachineinstances.kubevirt.io: v1* v1alpha3 | vmi vmis | all | - | Age Phase IP NodeName Ready (Live-Migratable) (Paused)
virtualmachines.kubevirt.io: v1* v1alpha3 | vm vms | all | status | Age Status Ready
virtualmachineinstancereplicasets.kubevirt.io: v1* v1alpha3 | vmirs vmirss | all | scale status | Desired Current Ready Age
virtualmachineinstancemigrations.kubevirt.io: v1* v1alpha3 | vmim vmims | all | status | Phase VMI
virtualmachineinstancepresets.kubevirt.io: v1! v1alpha3*! | vmipreset vmipresets | all | - | -
kubevirts.kubevirt.io: v1* v1alpha3 | kv kvs | all | status | Age Phase
virtualmachinepools.pool.kubevirt.io: v1alpha1 v1beta1* | vmpool vmpools | all | scale status | Desired Current Ready Age
virtualmachinesnapshots.snapshot.kubevirt.io: v1alpha1 v1beta1* | vmsnapshot vmsnapshots | all | status | SourceKind SourceName Phase ReadyToUse CreationTime Error
virtualmachinesnapshotcontents.snapshot.kubevirt.io: v1alpha1 v1beta1* | vmsnapshotcontent vmsnapshotcontents | all | status | ReadyToUse CreationTime Error
virtualmachinerestores.snapshot.kubevirt.io: v1alpha1 v1beta1* | vmrestore vmrestores | all | status | TargetKind TargetName Complete RestoreTime
virtualmachineexports.export.kubevirt.io: v1beta1! v1* | vmexport vmexports | all | status | SourceKind SourceName Phase
virtualmachineclones.clone.kubevirt.io: v1alpha1 v1beta1* | vmclone vmclones | all | status | Phase SourceVirtualMachine TargetVirtualMachine
virtualmachineinstancetypes.instancetype.kubevirt.io: v1beta1* | vminstancetype vminstancetypes vmf vmfs | all | - | -
virtualmachineclusterinstancetypes.instancetype.kubevirt.io: v1beta1* | vmclusterinstancetype vmclusterinstancetypes vmcf vmcfs | - | - | -
virtualmachinepreferences.instancetype.kubevirt.io: v1beta1* | vmpref vmprefs vmp vmps | all | - | -
virtualmachineclusterpreferences.instancetype.kubevirt.io: v1beta1* | vmcp vmcps | - | - | -
migrationpolicies.migrations.kubevirt.io: v1alpha1* | - | - | status | -
virtualmachinebackups.backup.kubevirt.io: v1alpha1* | vmbackup vmbackups | all | status | SourceKind SourceName Type
virtualmachinebackuptrackers.backup.kubevirt.io: v1alpha1* | vmbackuptracker vmbackuptrackers | all | status | SourceKind SourceName LatestCheckpoint
plugins.plugin.kubevirt.io: v1alpha1* | - | - | - | -
"""  # noqa: E501  (a table is read by its columns)


def each_resource() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.kind)


def schema_of(resource: Resource) -> Schema:
    schema: Schema = crd(resource)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def nodes(schema: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    """Every schema inside `schema`, itself included, with the path of what it describes."""
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from nodes(inner, f"{path}.{name}")
    if "items" in schema:
        yield from nodes(schema["items"], f"{path}[]")
    if "additionalProperties" in schema:
        yield from nodes(schema["additionalProperties"], f"{path}.*")


def test_the_committed_manifests_are_those_of_the_models() -> None:
    assert outdated(DEFAULT_FOLDER, manifests()) == [], "run `python -m virtcrds`"


def contract_of(manifest: dict[str, Any]) -> str:
    spec = manifest["spec"]
    first = spec["versions"][0]
    columns = [
        f"({column['name']})" if column.get("priority") else column["name"]
        for column in first.get("additionalPrinterColumns", [])
    ]
    versions = [
        version["name"] + "*" * version["storage"] + "!" * version.get("deprecated", False)
        for version in spec["versions"]
    ]
    cells = [
        versions,
        spec["names"].get("shortNames", []),
        spec["names"].get("categories", []),
        sorted(first.get("subresources", {})),
        columns,
    ]
    text = " | ".join(" ".join(cell) or "-" for cell in cells)
    return f"{manifest['metadata']['name']}: {text}"


def test_names_versions_and_columns_are_those_that_clients_know() -> None:
    assert [contract_of(crd(resource)) for resource in RESOURCES] == CONTRACT.strip().splitlines()


@each_resource()
def test_the_manifest_is_labelled_and_scoped(resource: Resource) -> None:
    manifest = crd(resource)
    label = "operator.kubevirt.io" if resource.kind == "KubeVirt" else "kubevirt.io"
    assert manifest["metadata"]["labels"] == {label: ""}
    cluster = resource.kind in ("MigrationPolicy", "Plugin") or "Cluster" in resource.kind
    assert manifest["spec"]["scope"] == ("Cluster" if cluster else "Namespaced")


@each_resource()
def test_the_models_version_is_the_stored_one(resource: Resource) -> None:
    assert resource.model().group_version == f"{resource.group}/{resource.storage_version}"
    assert [version.storage for version in resource.versions].count(True) == 1


@each_resource()
def test_a_manifest_is_small_enough_for_plain_kubectl_apply(resource: Resource) -> None:
    """Which keeps a copy in an annotation; all annotations together may have 256 KiB."""
    assert len(json.dumps(crd(resource))) < 240 * 1024


@each_resource()
def test_every_field_is_described(resource: Resource) -> None:
    bare = [
        path
        for path, node in nodes(schema_of(resource))
        if "description" not in node and not path.endswith(("[]", ".*")) and path != ".metadata"
    ]
    assert bare == []


ALLOWED = {
    *("type", "description", "properties", "required", "items", "additionalProperties", "enum"),
    *("minimum", "maximum", "maxItems", "format", "pattern", "default", "anyOf"),
    *("x-kubernetes-int-or-string", "x-kubernetes-preserve-unknown-fields"),
    *("x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type"),
    "x-kubernetes-validations",
}


def structural_mistakes(path: str, node: Schema) -> Iterator[str]:
    """What the API server would refuse, or warn of."""
    if odd := set(node) - ALLOWED:
        yield f"{path}: {odd}"
    if node.get("x-kubernetes-int-or-string"):
        if node["anyOf"] != [{"type": "integer"}, {"type": "string"}] or "type" in node:
            yield f"{path}: int-or-string"
        return
    if "anyOf" in node:
        yield f"{path}: anyOf"
    kind = node.get("type")
    if kind not in ("object", "array", "string", "integer", "number", "boolean"):
        yield f"{path}: type {kind}"
    if ("items" in node) != (kind == "array"):
        yield f"{path}: items"
    if "properties" in node and "additionalProperties" in node:
        yield f"{path}: both properties and additionalProperties"
    if kind != "object" and {"properties", "additionalProperties", "required"} & set(node):
        yield f"{path}: not an object"
    if not set(node.get("required", ())) <= set(node.get("properties", ())):
        yield f"{path}: required what is no property"
    if node.get("format") not in (None, "int32", "int64", "date-time"):
        yield f"{path}: format {node['format']}"
    if "enum" in node and len(set(node["enum"])) != len(node["enum"]):
        yield f"{path}: enum"
    if any(abs(node.get(bound, 0)) > 2**53 for bound in ("minimum", "maximum")):
        yield f"{path}: a bound that is no exact float64"


def list_mistakes(path: str, node: Schema) -> Iterator[str]:
    match node.get("x-kubernetes-list-type"):
        case "map":
            item = node["items"]
            for key in node["x-kubernetes-list-map-keys"]:
                if key not in item.get("required", ()) or "properties" in item["properties"][key]:
                    yield f"{path}: {key} is no key"
        case "set":
            if node["items"]["type"] in ("object", "array"):
                yield f"{path}: a set of {node['items']['type']}"
        case "atomic" | None:
            return
        case other:
            yield f"{path}: list type {other}"


@each_resource()
def test_the_schema_is_structural(resource: Resource) -> None:
    found = [
        mistake
        for path, node in nodes(schema_of(resource))
        for mistake in (*structural_mistakes(path, node), *list_mistakes(path, node))
    ]
    assert found == []


@each_resource()
def test_rules_speak_of_fields_and_have_a_bounded_cost(resource: Resource) -> None:
    schema = schema_of(resource)
    unbounded = {path for path, node in nodes(schema) if "items" in node and "maxItems" not in node}
    for path, node in nodes(schema):
        for rule in node.get("x-kubernetes-validations", ()):
            named = set(re.findall(r"self\.(\w+)", rule["rule"]))
            assert named <= set(node["properties"]), path
            assert "\n" not in rule["message"]
            lists = {path[: match.start()] for match in re.finditer(r"\[\]", path)}
            assert not lists & unbounded, f"{path}: the API server cannot bound the rule's cost"
            assert ".*" not in path


def test_kubevirts_exactly_one_of_is_a_rule() -> None:
    rules = {
        (path, rule["message"])
        for path, node in nodes(schema_of(RESOURCES[0]))
        for rule in node.get("x-kubernetes-validations", ())
    }
    devices = ".spec.domain.devices"
    assert rules >= {
        (".spec.volumes[]", "must have exactly one source type set"),
        (f"{devices}.disks[]", "can only have a single target type defined"),
        (f"{devices}.interfaces[]", "must have exactly one binding method or binding plugin"),
        (".spec.networks[]", "should have a network type"),
        (".spec.livenessProbe", "must have exactly one probe type set"),
    }


def test_quantities_and_ports_are_integers_or_strings() -> None:
    shapes = {path: node for path, node in nodes(schema_of(RESOURCES[0]))}
    for path in (
        ".spec.domain.memory.guest",
        ".spec.domain.resources.requests.*",
        ".spec.volumes[].emptyDisk.capacity",
        ".spec.livenessProbe.httpGet.port",
    ):
        assert shapes[path]["x-kubernetes-int-or-string"], path
    pattern = re.compile(shapes[".spec.domain.memory.guest"]["pattern"])
    assert all(pattern.match(text) for text in ("1", "1.5Gi", "100m", ".5", "1e3", "-2E-3", "3E"))
    assert not any(pattern.match(text) for text in ("", "1Q", "Gi", "1 Gi", "1e"))


def test_what_the_server_requires_is_what_kubevirt_requires() -> None:
    required = {path: node.get("required", []) for path, node in nodes(schema_of(RESOURCES[1]))}
    spec = ".spec.template.spec"
    assert required[""] == ["spec"]
    assert required[".spec"] == ["template"]
    assert required[spec] == ["domain"]
    assert required[f"{spec}.domain"] == ["devices"]
    assert required[f"{spec}.domain.devices.disks[]"] == ["name"]
    assert required[f"{spec}.domain.devices.interfaces[].ports[]"] == ["port"]
    assert required[f"{spec}.networks[].multus"] == ["networkName"]


WANTED = {"a.yaml": f"{HEAD}a: 1\n", "b.yaml": f"{HEAD}b: 2\n"}


def test_writing_makes_what_is_missing_and_leaves_other_files_alone(tmp_path: pathlib.Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("mine: true\n", encoding="utf-8")
    assert write(tmp_path / "new", WANTED) == ["a.yaml", "b.yaml"]
    assert write(tmp_path, WANTED) == ["a.yaml", "b.yaml"]
    assert write(tmp_path, WANTED) == []
    assert other.read_text(encoding="utf-8") == "mine: true\n"


def test_writing_removes_the_manifest_of_a_kind_that_is_gone(tmp_path: pathlib.Path) -> None:
    write(tmp_path, WANTED | {"gone.yaml": f"{HEAD}gone: 3\n"})
    assert outdated(tmp_path, WANTED) == ["gone.yaml"]
    assert write(tmp_path, WANTED) == ["gone.yaml"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.yaml", "b.yaml"]


def test_a_check_names_what_is_outdated_and_writes_nothing(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--check", str(tmp_path)]) == 1
    assert len(capsys.readouterr().out.splitlines()) == len(RESOURCES)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "tree",
    [
        {"a": {}, "b": [], "c": "", "d": None, "e": True, "f": 1.5},
        {"a": [[1, 2], [], [{"b": {}}, {"c": [1]}]]},
        {"yes": "no", "on": "null", "~": "1", "1": "1e3", "x": "y: z", "a b": " c ", "-": "- d"},
        {"quotes": 'it\'s "x" # no comment', "lines": "a\nb\n", "other": "ü \\ \t", "at": "@b"},
        {"list": [{"name": "a", "items": ["x"]}, {"name": "b"}], "date": "2024-01-02", "n": "0x1"},
    ],
)
def test_the_text_is_yaml_of_the_same_tree(tree: dict[str, Any]) -> None:
    assert yaml.safe_load(yaml_text(tree)) == tree


@each_resource()
def test_the_text_of_a_manifest_is_yaml_of_the_manifest(resource: Resource) -> None:
    text = yaml_text(crd(resource))
    assert yaml.load(text, Loader=yaml.CSafeLoader) == crd(resource)
