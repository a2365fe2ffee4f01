"""Image names, and what skopeo's words mean."""

from __future__ import annotations

import pytest

from kubemu.errors import BadInput
from kubemu.images.reference import Reference, is_loopback, parse_reference
from kubemu.images.skopeo import explain_failure

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("debian", ("debian", "", "", "", "docker://debian:latest")),
        ("library/debian:12", ("library/debian", "", "12", "", "docker://library/debian:12")),
        (
            "registry:5000/kubemu/tiny:devel",
            (
                "registry:5000/kubemu/tiny",
                "registry:5000",
                "devel",
                "",
                "docker://registry:5000/kubemu/tiny:devel",
            ),
        ),
        (
            f"docker://quay.io/a/b:c@{DIGEST}",
            ("quay.io/a/b", "quay.io", "c", DIGEST, f"docker://quay.io/a/b@{DIGEST}"),
        ),
        ("[::1]:5000/x", ("[::1]:5000/x", "[::1]:5000", "", "", "docker://[::1]:5000/x:latest")),
        (
            "localhost/a__b--c.d",
            ("localhost/a__b--c.d", "localhost", "", "", "docker://localhost/a__b--c.d:latest"),
        ),
    ],
)
def test_names_are_read(text: str, expected: tuple[str, ...]) -> None:
    found = parse_reference(text)
    assert (found.name, found.host, found.tag, found.digest, found.source) == expected


@pytest.mark.parametrize(
    "text",
    ["", "A", "a b", "a:", "a:b:c", "-a", "a//b", "a@sha256:12", "../a", "a\n", "x" * 600, "a,b"],
)
def test_what_is_no_name_is_refused_with_its_field(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_reference(text, "spec.volumes[0].containerDisk.image")
    assert caught.value.where == "spec.volumes[0].containerDisk.image"


def test_only_this_machine_is_loopback() -> None:
    hosts = ("localhost", "127.0.0.1", "127.9.9.9", "::1", "192.0.2.1", "", "no.such.invalid")
    assert [is_loopback(host) for host in hosts] == [True] * 4 + [False] * 3


def a_reference(host: str) -> Reference:
    return parse_reference(f"{host}/x")


def test_the_hostname_has_no_port() -> None:
    hosts = ["localhost:5000", "[::1]:5000", "quay.io"]
    assert [a_reference(host).hostname for host in hosts] == ["localhost", "::1", "quay.io"]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("manifest unknown: manifest unknown", "there is no image I"),
        ("name unknown: repository name not known to registry", "there is no image I"),
        ("unauthorized: authentication required", "the registry refuses to give I"),
        (
            "Requesting bearer token: invalid status code from registry 403 (Forbidden)",
            "the registry refuses to give I",
        ),
        ("dial tcp: lookup x.invalid: no such host", "the registry of I has no address"),
        ("dial tcp 127.0.0.1:1: connect: connection refused", "the registry of I does not answer"),
        ("connect: no route to host", "the registry of I does not answer"),
        (
            "http: server gave HTTP response to HTTPS client",
            "the registry of I does not speak TLS",
        ),
        (
            "x509: certificate signed by unknown authority",
            "the certificate of the registry of I is not trusted",
        ),
        (
            'time="2026" level=fatal msg="something \\"new\\" happened"\n',
            'I could not be pulled: something "new" happened',
        ),
        ("", "I could not be pulled: skopeo said nothing"),
    ],
)
def test_skopeos_words_become_one_sentence(said: str, message: str) -> None:
    assert str(explain_failure(said, "I")) == message
