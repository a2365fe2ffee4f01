"""YAML from anybody: what is read, what is refused, and where it says so."""

from __future__ import annotations

import json
from typing import Any

import hypothesis
import hypothesis.strategies as st
import pytest
import yaml

from kubemu.documents import Limits, read_documents, resolve
from kubemu.errors import BadInput


def trees(text: str) -> list[Any]:
    return [document.tree for document in read_documents(text.encode(), "vm.yaml")]


def refusal(data: bytes) -> str:
    with pytest.raises(BadInput) as caught:
        read_documents(data, "vm.yaml")
    return str(caught.value)


def test_empty_documents_are_counted_and_left_out() -> None:
    documents = read_documents(b"---\n---\na: 1\n---\n# nothing\n---\nb: 2\n", "vm.yaml")
    assert [(d.number, d.line, d.tree) for d in documents] == [(2, 3, {"a": 1}), (4, 7, {"b": 2})]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("52:54:00:12:34:56", "52:54:00:12:34:56"),
        ("12:34:56", "12:34:56"),
        ("2024-01-31", "2024-01-31"),
        ("yes", True),
        ("off", False),
        ("~", None),
        ("", None),
        ("017", 15),
        ("0o17", 15),
        ("0x1F", 31),
        ("-0b11", -3),
        ("1_000", 1000),
        ("089", 89.0),
        ("1e3", 1000.0),
        ("1.", 1.0),
        (".5", 0.5),
        (".inf", ".inf"),
        ("1e999", "1e999"),
        ("9" * 500, "9" * 500),
        ("0x_", "0x_"),
        ("128Mi", "128Mi"),
    ],
)
def test_plain_scalars_are_read_as_kubernetes_tools_read_them(text: str, value: object) -> None:
    assert (type(resolve(text)), resolve(text)) == (type(value), value)


def test_quotes_and_tags_decide_over_looks() -> None:
    assert trees("a: '1'\nb: !!str 1\nc: !!float 1\n") == [{"a": "1", "b": "1", "c": 1.0}]


def test_keys_are_text() -> None:
    assert trees("8080: a\ntrue: b\n") == [{"8080": "a", "true": "b"}]


def test_aliases_and_merges_are_read() -> None:
    assert trees("a: &x {b: 1, c: 2}\nd: *x\ne: {<<: *x, c: 3}\nf: {<<: [{g: 1}, {g: 2}]}\n") == [
        {"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 2}, "e": {"b": 1, "c": 3}, "f": {"g": 1}}
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a: 1\nb: 2\na: 3\n", "vm.yaml:3: key 'a' is there twice"),
        (b"a: [1,\n", "vm.yaml:2: is not YAML: did not find expected node content"),
        (
            b"a: 1\n\tb: 2\n",
            "vm.yaml:2: is not YAML: found a tab character that violates indentation",
        ),
        (b"a: 1\nb: \xff\n", "vm.yaml:2: is not UTF-8 text"),
        (b"a: &x\n  b: *x\n", "vm.yaml:2: alias *x contains itself"),
        (b"a: *x\n", "vm.yaml:1: alias *x has no anchor before it"),
        (b"\n? [a]\n: b\n", "vm.yaml:2: a key must be text"),
        (b"a: {<<: 1}\n", "vm.yaml:1: '<<' merges mappings only"),
        (
            b"a: !!python/object/apply:os.system [id]\n",
            "vm.yaml:1: tag 'tag:yaml.org,2002:python/object/apply:os.system' is not taken here",
        ),
        (b"a: !!binary aGk=\n", "vm.yaml:1: tag 'tag:yaml.org,2002:binary' is not taken here"),
        (b"a: !!int x\n", "vm.yaml:1: tag 'tag:yaml.org,2002:int' is not taken here"),
        (b"!foo {a: 1}\n", "vm.yaml:1: tag '!foo' is not taken here"),
        (b"[" * 66 + b"]" * 66, "vm.yaml:1: is nested deeper than 64 levels"),
        (b"[" * 100_000, "vm.yaml:1: is not YAML: exceeded maximum nesting depth"),
        (b"---\na\n" * 501, "vm.yaml:1001: has more than 500 documents"),
    ],
)
def test_what_is_refused_names_file_and_line(data: bytes, message: str) -> None:
    assert refusal(data) == message


def test_a_large_file_is_refused_before_it_is_parsed() -> None:
    assert refusal(b"#" * (Limits().size + 1)) == (
        "vm.yaml: is 4194305 bytes, more than the 4194304 a manifest may have"
    )


def test_a_billion_laughs_are_counted() -> None:
    lines = [b"- &a [x, x, x, x, x, x, x, x, x, x]"]
    for letter in range(ord("b"), ord("k")):
        lines.append(b"- &%c [%s]" % (letter, b", ".join([b"*%c" % (letter - 1)] * 10)))
    assert "200000 values, its aliases expanded" in refusal(b"\n".join(lines))


def test_many_anchors_cost_no_more_than_their_size() -> None:
    text = "\n".join(f"- &a{number} {{b: 1}}" for number in range(30_000))
    assert len(trees(text)[0]) == 30_000


def test_a_field_is_found_by_path_or_by_what_is_around_it() -> None:
    [document] = read_documents(
        b"# head\nspec:\n  volumes:\n    - name: a\n    - name: b\n      secret: &s\n        x: 1\n"
        b"  again: *s\n",
        "vm.yaml",
    )
    assert {
        path: document.line_of(path)
        for path in (
            "spec.volumes[1].name",
            "spec.volumes[1].Name",
            "spec.volumes[1].secret.x.y.z",
            "spec.volumes[7]",
            "spec.again.x",
            "metadata",
            "",
        )
    } == {
        "spec.volumes[1].name": 5,
        "spec.volumes[1].Name": 5,
        "spec.volumes[1].secret.x.y.z": 7,
        "spec.volumes[7]": 3,
        "spec.again.x": 7,
        "metadata": 2,
        "": 2,
    }


words = st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn"]), max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=20,
)


@hypothesis.given(json_values)
def test_every_json_document_is_read_as_json_reads_it(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False)
    assert trees(text) == ([] if value is None else [json.loads(text)])


@hypothesis.given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        read_documents(data, "vm.yaml")
    except BadInput as error:
        assert error.where.startswith("vm.yaml")


@hypothesis.given(json_values)
def test_what_a_yaml_writer_writes_is_read_back(value: Any) -> None:
    # Quoted: PyYAML writes some words bare as text that other readers take for numbers.
    written = yaml.safe_dump(value, allow_unicode=True, default_style='"')
    assert trees(written) == ([] if value is None else [value])
