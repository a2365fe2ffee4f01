"""What is kept of objects, and in which order news may come."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from virtoperator.store import Key, Store


def pod(name: str, version: int, *, uid: str = "", node: str = "") -> dict[str, Any]:
    meta = {"name": name, "namespace": "ns", "uid": uid or f"u-{name}"}
    return {
        "metadata": {**meta, "resourceVersion": str(version), "managedFields": [{"x": 1}]},
        "spec": {"nodeName": node},
    }


def nodes() -> Store:
    return Store(node=lambda body: [body["spec"]["nodeName"]] if body["spec"]["nodeName"] else [])


def test_newest_wins_whatever_the_order() -> None:
    store = nodes()
    assert store.put(pod("a", 5, node="n1"))
    assert not store.put(pod("a", 4, node="n2"))
    assert not store.put(pod("a", 5, node="n1"))
    assert store.put(pod("a", 10, node="n2"))
    assert store.keys("node", "n1") == []
    assert store.keys("node", "n2") == [Key("ns", "a")]


def test_another_object_of_the_same_name_replaces_it() -> None:
    store = nodes()
    store.put(pod("a", 5, uid="old"))
    assert store.put(pod("a", 3, uid="new"))
    assert store.uid(Key("ns", "a")) == "new"
    assert not store.drop(pod("a", 9, uid="old"))
    assert Key("ns", "a") in store


def test_a_late_list_does_not_bring_back_what_is_gone() -> None:
    store = nodes()
    store.put(pod("a", 5))
    assert store.drop(pod("a", 7))
    assert not store.put(pod("a", 5))
    assert store.put(pod("a", 8))  # It has come back into sight.


def test_missing_spares_what_is_newer_than_the_list() -> None:
    store = nodes()
    store.put(pod("old", 5))
    store.put(pod("kept", 6))
    store.put(pod("new", 12))
    assert [body["metadata"]["name"] for body in store.missing([pod("kept", 6)], "10")] == ["old"]


def test_copies_are_the_callers() -> None:
    store = nodes()
    store.put(pod("a", 5))
    body = store.get(Key("ns", "a"))
    assert body is not None
    assert "managedFields" not in body["metadata"]
    body["spec"]["nodeName"] = "changed"
    again = store.get(Key("ns", "a"))
    assert again is not None and again["spec"]["nodeName"] == ""


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(1, 30), st.sampled_from(["", "n1", "n2"]))
    )
)
def test_an_index_is_what_a_search_would_find(history: list[tuple[str, int, str]]) -> None:
    store = nodes()
    for name, version, node in history:
        store.put(pod(name, version, node=node))
    for node in ("n1", "n2"):
        found = [key for key in store if (store.get(key) or {})["spec"]["nodeName"] == node]
        assert store.keys("node", node) == sorted(found)
