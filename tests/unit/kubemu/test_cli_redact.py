"""Secrets do not get into records, nor into archives."""

from __future__ import annotations

from typing import Any

import hypothesis
import hypothesis.strategies as st
import pytest

from kubemu.redact import REMOVED, scrub, without_secrets

SECRET = "h4rd-to-Guess"


def test_fields_with_secrets_lose_their_values() -> None:
    tree = {
        "kind": "VirtualMachineInstance",
        "metadata": {
            "name": "a",
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": SECRET},
        },
        "spec": {
            "volumes": [
                {"name": "seed", "cloudInitNoCloud": {"userData": SECRET, "networkData": ""}},
                {"cloudInitConfigDrive": {"userDataBase64": SECRET, "secretRef": {"name": "s"}}},
            ]
        },
    }
    assert without_secrets(tree) == {
        "kind": "VirtualMachineInstance",
        "metadata": {
            "name": "a",
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": REMOVED},
        },
        "spec": {
            "volumes": [
                {"name": "seed", "cloudInitNoCloud": {"userData": REMOVED, "networkData": ""}},
                {"cloudInitConfigDrive": {"userDataBase64": REMOVED, "secretRef": {"name": "s"}}},
            ]
        },
    }


def test_secrets_lose_everything() -> None:
    secret = {"kind": "Secret", "data": {"a": SECRET}, "stringData": {"b": SECRET}, "type": "x"}
    assert without_secrets([secret]) == [
        {"kind": "Secret", "data": REMOVED, "stringData": REMOVED, "type": "x"}
    ]


@pytest.mark.parametrize(
    "text",
    [
        f"password: {SECRET}",
        f"plain_text_passwd: {SECRET}\n",
        f'"admin_password": "{SECRET}"',
        f"DB_PASSWORD={SECRET}",
        f"api-key = '{SECRET} and more'",
        f"export TOKEN={SECRET};",
        f"Authorization: Bearer {SECRET}",
        f"https://user:{SECRET}@host/path",
        f"-----BEGIN OPENSSH PRIVATE KEY-----\n{SECRET}\n-----END OPENSSH PRIVATE KEY-----",
        f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}",
        "ssh-ed25519 h4rd+to/Guess me@host",
        "root:$6$salt$h4rd/to.Guess:19000",
    ],
)
def test_what_looks_like_a_secret_is_taken_out_of_texts(text: str) -> None:
    found = scrub(f"before\n{text}\nafter")
    assert ("h4rd" in found, REMOVED in found, found.startswith("before\n")) == (False, True, True)


def test_other_text_stays() -> None:
    text = "qemu: -blockdev node-name=disk-root\nuser-data sha256 9f86d081\nlogin: kubemu\n"
    assert scrub(text) == text


@hypothesis.given(st.text(max_size=300))
def test_scrubbing_never_fails(text: str) -> None:
    scrub(text)


trees = st.recursive(
    st.none() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["userData", "kind", "data", "a"]), inner, max_size=3)
    ),
    max_leaves=10,
)


@hypothesis.given(trees)
def test_taking_secrets_out_twice_changes_nothing_more(tree: Any) -> None:
    once = without_secrets(tree)
    assert without_secrets(once) == once
