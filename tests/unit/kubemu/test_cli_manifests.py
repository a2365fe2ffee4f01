"""Which VM of a file is meant, what the other documents give it, and where its volumes are."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from kubemu import checking
from kubemu.contents import write_folder
from kubemu.documents import Document, read_documents
from kubemu.errors import BadInput
from kubemu.images.pull import PullPolicy
from kubemu.manifests import (
    Manifest,
    choose_machine,
    name_of,
    read_file,
    read_manifest,
    sort_documents,
)
from kubemu.names import VmName, parse_vm_name
from kubemu.sources import Given, claim_sizes, parse_volume
from kubemu.standin import find_unsupported
from kubemu.volumes import VolumePlan, plan_volumes
from virtlauncher.errors import Unsupported
from virtlauncher.facts import Source, SourceKind

VM = VmName(namespace="default", name="a")


def a_manifest(text: str) -> Manifest:
    return sort_documents(read_documents(text.encode(), "vm.yaml"))


def an_instance(volumes: str, tail: str = "", name: str = "a") -> str:
    """A VMI whose volumes are YAML flow, each with its disk made by defaulting."""
    return f"""
apiVersion: kubevirt.io/v1
kind: VirtualMachineInstance
metadata: {{name: {name}}}
spec:
  domain: {{memory: {{guest: 64Mi}}, devices: {{}}}}
  volumes: {volumes}
  {tail}
"""


def plan(text: str, given: Given | None = None) -> VolumePlan:
    manifest = a_manifest(text)
    checked = checking.check(manifest.machines[0], VM, "")
    return plan_volumes(checked.vmi, given or Given(), manifest.contents)


def refusal(text: str, given: Given | None = None) -> str:
    with pytest.raises((BadInput, Unsupported)) as caught:
        plan(text, given)
    return str(caught.value)


def chosen(text: str, name: str = "") -> tuple[str, int]:
    document = choose_machine(a_manifest(text), name, "vm.yaml")
    return document.tree["metadata"]["name"], document.number


def test_the_only_vm_is_meant_whatever_else_is_there() -> None:
    service = "kind: Service\napiVersion: v1\nmetadata: {name: s}\n---"
    assert chosen(service + an_instance("[]")) == ("a", 2)


def test_a_name_chooses_among_several_and_renames_one() -> None:
    two = an_instance("[]") + "---" + an_instance("[]", name="b")
    assert chosen(two, "b") == ("b", 2)
    assert chosen(an_instance("[]"), "other") == ("a", 1)
    with pytest.raises(BadInput, match="has several VMs: a, b") as caught:
        chosen(two)
    assert caught.value.hint == "choose one with --name"


def test_kinds_that_do_not_run_here_are_named() -> None:
    with pytest.raises(BadInput, match="only Pool, Service"):
        chosen("{kind: Service}\n---\n{kind: Pool}\n---\n{kind: Secret, metadata: {name: s}}")


def test_a_list_is_taken_apart_with_its_lines(tmp_path: Path) -> None:
    file = tmp_path / "list.yaml"
    file.write_text(
        "apiVersion: v1\nkind: List\nitems:\n"
        "- kind: VirtualMachine\n  metadata:\n    name: a\n"
        "- kind: VirtualMachine\n  metadata:\n    name: b\n"
    )
    documents = read_file(str(file))
    assert [(d.tree["metadata"]["name"], d.line_of("metadata.name")) for d in documents] == [
        ("a", 6),
        ("b", 9),
    ]


def test_a_file_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(BadInput) as caught:
        read_manifest("/no/such/file")
    assert str(caught.value) == "/no/such/file: cannot be read: No such file or directory"


@pytest.mark.parametrize("text", ["just text", "[1, 2]", "a: 1", "kind: 3"])
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="no Kubernetes object"):
        a_manifest(text)


@pytest.mark.parametrize(
    ("metadata", "flags", "name"),
    [
        ("{name: a}", ("", ""), "default/a"),
        ("{name: a, namespace: ns}", ("", ""), "ns/a"),
        ("{name: a, namespace: ns}", ("b", "m"), "m/b"),
        ("{generateName: vm-}", ("", ""), "default/vm-12345"),
    ],
)
def test_names_come_from_flags_then_the_document(
    metadata: str, flags: tuple[str, str], name: str
) -> None:
    [document] = read_documents(f"metadata: {metadata}".encode(), "vm.yaml")
    assert str(name_of(document, *flags, "12345")) == name


@pytest.mark.parametrize(
    "text", ["..", "a/../b", "/a", "a/", "A", "a_b", "a" * 254, "-a", "a\n", ".", "a..b", "~", "é"]
)
def test_names_that_are_no_names_are_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_vm_name(text)


def test_names_may_bring_their_namespace() -> None:
    assert [str(parse_vm_name(*words)) for words in (("a",), ("n/a",), ("a", "n"))] == [
        "default/a",
        "n/a",
        "n/a",
    ]
    with pytest.raises(BadInput):
        parse_vm_name("n/a", "m")


def test_container_disks_are_pulled_as_the_manifest_says() -> None:
    wanted = plan(
        an_instance(
            "[{name: d, containerDisk: {image: 'registry:5000/x:devel'}},"
            " {name: e, containerDisk: {image: 'y:1', imagePullPolicy: Never}},"
            " {name: f, containerDisk: {image: z}}]"
        )
    ).images
    assert {key: (w.source, w.policy) for key, w in wanted.items()} == {
        "d": ("docker://registry:5000/x:devel", PullPolicy.MISSING),
        "e": ("docker://y:1", PullPolicy.NEVER),
        "f": ("docker://z:latest", PullPolicy.ALWAYS),
    }


def test_flags_override_images(tmp_path: Path) -> None:
    text = an_instance("[{name: d, containerDisk: {image: x}}]")
    pulled = plan(text, Given(policy=PullPolicy.NEVER)).images["d"]
    archive = plan(text, Given(paths={"d": "oci-archive:/tmp/x.tar"})).images["d"]
    folder = plan(text, Given(paths={"d": str(tmp_path)}))
    assert (pulled.policy, archive.source, archive.reference) == (
        PullPolicy.NEVER,
        "oci-archive:/tmp/x.tar",
        None,
    )
    assert (folder.images, folder.sources["d"]) == (
        {},
        Source(kind=SourceKind.DIR, path=str(tmp_path), readonly=True),
    )


def test_claims_are_where_the_flag_says(tmp_path: Path) -> None:
    file = tmp_path / "disk.raw"
    file.write_bytes(b"x")
    sources = plan(
        an_instance(
            "[{name: p, persistentVolumeClaim: {claimName: c}},"
            " {name: r, persistentVolumeClaim: {claimName: c2, readOnly: true}},"
            " {name: d, dataVolume: {name: dv}},"
            " {name: e, ephemeral: {persistentVolumeClaim: {claimName: c}}}]"
        ),
        Given(
            paths={"p": str(tmp_path), "c2": str(file), "dv": str(tmp_path), "c": str(file)},
            claim_sizes={"c": 5, "dv": 7},
        ),
    ).sources
    assert sources == {
        "p": Source(kind=SourceKind.DIR, path=str(tmp_path), size=5),
        "r": Source(kind=SourceKind.FILE, path=str(file), readonly=True),
        "d": Source(kind=SourceKind.DIR, path=str(tmp_path), size=7),
        "e": Source(kind=SourceKind.FILE, path=str(file), readonly=True, size=5),
    }


def test_secrets_and_config_maps_feed_volumes() -> None:
    text = (
        "{kind: Secret, metadata: {name: s}, data: {userdata: aGkK}, stringData: {b: two}}\n---\n"
        "{kind: ConfigMap, metadata: {name: c}, data: {x: '1'}, binaryData: {y: AAE=}}\n---"
        + an_instance(
            "[{name: seed, cloudInitNoCloud: {secretRef: {name: s}, networkDataSecretRef:"
            " {name: s}}},"
            " {name: drive, cloudInitConfigDrive: {userData: hi}},"
            " {name: sec, secret: {secretName: s}}, {name: map, configMap: {name: c}},"
            " {name: none, configMap: {name: nope, optional: true}},"
            " {name: sys, sysprep: {configMap: {name: c}}}]",
            tail="accessCredentials: [{sshPublicKey: {source: {secret: {secretName: s}},"
            " propagationMethod: {noCloud: {}}}}]",
        )
    )
    secret = {"userdata": b"hi\n", "b": b"two"}
    settings = {"x": b"1", "y": b"\0\1"}
    assert plan(text).contents == {
        "seed/userdata": secret,
        "seed/networkdata": secret,
        "sec": secret,
        "map": settings,
        "none": {},
        "sys": settings,
        "accessCredentials/0": secret,
    }


@pytest.mark.parametrize(
    ("volumes", "message"),
    [
        (
            "[{name: p, persistentVolumeClaim: {claimName: c}}]",
            "spec.volumes[0].persistentVolumeClaim: nothing says where the claim 'c' is",
        ),
        (
            "[{name: s, cloudInitNoCloud: {secretRef: {name: nope}}}]",
            "spec.volumes[0].cloudInitNoCloud.secretRef: there is no Secret 'nope'",
        ),
        (
            "[{name: c, configMap: {name: nope}}]",
            "spec.volumes[0].configMap: there is no ConfigMap 'nope'",
        ),
        (
            "[{name: t, serviceAccount: {serviceAccountName: x}}]",
            "spec.volumes[0].serviceAccount: only a cluster",
        ),
        (
            "[{name: t, downwardAPI: {fields: []}}]",
            "spec.volumes[0].downwardAPI: only a cluster",
        ),
        (
            "[{name: d, containerDisk: {image: 'A B'}}]",
            "spec.volumes[0].containerDisk.image: 'A B' is no image name",
        ),
    ],
)
def test_a_volume_without_bytes_is_refused_by_field(volumes: str, message: str) -> None:
    assert message in refusal(an_instance(volumes))


def test_a_volume_flag_for_nothing_is_refused() -> None:
    text = an_instance("[{name: d, emptyDisk: {capacity: 1Mi}}]")
    assert refusal(text, Given(paths={"x": "/tmp"})) == (
        "--volume: the VM has no volume 'x' that takes a path"
    )
    missing = Given(paths={"d": "/no/such"})
    claim = an_instance("[{name: d, persistentVolumeClaim: {claimName: c}}]")
    assert refusal(claim, missing) == "--volume /no/such: does not exist"


@pytest.mark.parametrize("text", ["a", "=x", "a=", ""])
def test_a_volume_flag_needs_name_and_path(text: str) -> None:
    with pytest.raises(BadInput):
        parse_volume(text)


def test_claims_say_their_size() -> None:
    storage: dict[str, Any] = {"resources": {"requests": {"storage": "2Gi"}}}
    assert claim_sizes(
        {"a": storage, "b": {"pvc": storage}, "c": {"storage": storage}, "d": {}, "e": None}
    ) == {"a": 2 << 30, "b": 2 << 30, "c": 2 << 30}
    with pytest.raises(BadInput, match="claim 'a'"):
        claim_sizes({"a": {"resources": {"requests": {"storage": "much"}}}})


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (
            "{kind: Secret, metadata: {name: s},\n data: {a: '!'}}",
            "vm.yaml:2: data.a is not base64",
        ),
        ("{kind: Secret, metadata: {name: s},\n data: {a: 1}}", "vm.yaml:2: data.a must be text"),
        ("{kind: Secret, metadata: {name: s},\n data: [a]}", "vm.yaml:2: data must be an object"),
        (
            "{kind: ConfigMap, metadata: {name: s},\n data: {../a: b}}",
            "vm.yaml:2: data.../a is no key",
        ),
        ("{kind: ConfigMap, metadata: {name: s},\n data: {..: b}}", "vm.yaml:2: data... is no key"),
        ("{kind: ConfigMap}", "metadata.name is missing"),
        (
            "{kind: Secret, metadata: {name: s}, stringData: {a: '" + "x" * 1048577 + "'}}",
            "has more than 1048576 bytes",
        ),
    ],
)
def test_bad_contents_are_refused_by_line(document: str, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        a_manifest(document)
    assert message in str(caught.value)


def test_contents_are_written_for_us_alone(tmp_path: Path) -> None:
    folder = tmp_path / "volumes" / "seed"
    folder.mkdir(parents=True)
    (folder / "old").symlink_to("/etc/passwd")
    write_folder(folder, {"userdata": b"hi", "x": b""})
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "userdata": b"hi",
        "x": b"",
    }
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "userdata")]
    assert modes == [0o700, 0o600]


def problems(text: str) -> list[str]:
    [document] = read_documents(text.encode(), "vm.yaml")
    return [str(problem) for problem in checking.report_on(document).problems]


def test_every_violation_has_its_line() -> None:
    text = """kind: VirtualMachineInstance
apiVersion: kubevirt.io/v1
metadata:
  name: a
spec:
  domain:
    memory:
      guest: 64Mi
    devices:
      disks:
        - name: x
          disk: {}
  volumes:
    - name: z
"""
    assert sorted(problems(text)) == [
        "vm.yaml:11: spec.domain.devices.disks[0].Name 'x' not found.",
        "vm.yaml:14: spec.volumes[0] must have exactly one source type set",
    ]


def test_a_wrong_type_has_its_line() -> None:
    assert problems(an_instance("3").strip()) == [
        "vm.yaml:6: spec.volumes in body must be of type array: 3"
    ]


def a_machine(extra: str) -> Document:
    text = f"""apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata: {{name: a}}
spec:
  runStrategy: Always
{extra}
  template:
    spec:
      nodeSelector: {{a: b}}
      domain:
        memory: {{guest: 64Mi}}
        devices: {{}}
"""
    [document] = read_documents(text.encode(), "vm.yaml")
    return document


def test_fields_of_a_template_are_found_below_the_vm() -> None:
    checked = checking.check(a_machine("  foo: 1"), VM, "")
    assert (
        checked.locate("spec.domain.memory"),
        checked.report.unknown,
        checked.report.not_acted_on,
    ) == ("vm.yaml:11", ("spec.foo",), ("spec.template.spec.nodeSelector",))


def test_what_only_a_cluster_has_is_refused() -> None:
    with pytest.raises(BadInput, match=r"vm.yaml:6: spec.instancetype names an object"):
        checking.check(a_machine("  instancetype: {name: small}"), VM, "")


@pytest.mark.parametrize(
    ("document", "field"),
    [
        (an_instance("[{name: t, serviceAccount: {serviceAccountName: x}}]"), "serviceAccount"),
        (an_instance("[]", tail="architecture: arm64"), "spec.architecture"),
        (an_instance("[{name: d, emptyDisk: {capacity: 1Mi}}]"), None),
    ],
)
def test_what_run_would_refuse_is_known_without_running(document: str, field: str | None) -> None:
    [parsed] = read_documents(document.encode(), "vm.yaml")
    found = [violation.field for violation in find_unsupported(parsed)]
    assert (found == []) if field is None else any(field in one for one in found)


def test_an_instancetype_is_valid_and_does_not_run_here() -> None:
    [violation] = find_unsupported(a_machine("  instancetype: {name: small}"))
    assert violation.message == "spec.instancetype names an object that only a cluster has"
