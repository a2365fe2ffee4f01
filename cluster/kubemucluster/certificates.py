"""The cluster's own authorities and certificates, and the kubeconfigs that carry them."""

from __future__ import annotations

import base64
import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .layout import Layout

_LIFE = datetime.timedelta(days=3650)
_SERVER = ExtendedKeyUsageOID.SERVER_AUTH
_CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One certificate: its file name, its subject and what it is for."""

    file: str
    name: str
    organization: str = ""
    authority: str = "ca"
    hosts: Sequence[str] = ()
    """Names and addresses of a server; a certificate without them is a client's."""


def wanted(layout: Layout) -> list[Wanted]:
    """Every certificate of a cluster; subjects are what the built-in RBAC rules name."""
    api = ("kubernetes", "kubernetes.default", "kubernetes.default.svc")
    addresses = ("127.0.0.1", "::1", layout.ipv4, layout.ipv6, layout.service_api)
    masters, nodes = "system:masters", "system:nodes"
    return [
        Wanted(
            file="apiserver",
            name="kube-apiserver",
            hosts=(*api, f"{api[-1]}.cluster.local", "localhost", *addresses),
        ),
        Wanted(file="apiserver-kubelet-client", name="kube-apiserver", organization=masters),
        Wanted(file="front-proxy-client", name="front-proxy-client", authority="front-proxy-ca"),
        Wanted(file="admin", name="kubernetes-admin", organization=masters),
        Wanted(file="controller-manager", name="system:kube-controller-manager"),
        Wanted(file="scheduler", name="system:kube-scheduler"),
        Wanted(file="kube-proxy", name="system:kube-proxy"),
        *(
            Wanted(file=node.name, name=f"system:node:{node.name}", organization=nodes)
            for node in layout.nodes
        ),
        *(
            Wanted(
                file=f"{node.name}-serving",
                name=f"system:node:{node.name}",
                organization=nodes,
                hosts=(node.name, node.ipv4, node.ipv6),
            )
            for node in layout.nodes
        ),
    ]


def write_all(layout: Layout) -> None:
    """Writes keys, certificates and kubeconfigs, once: a cluster keeps its authority for life."""
    if (layout.pki / "complete").exists():
        return
    layout.pki.mkdir(mode=0o700, parents=True, exist_ok=True)
    layout.etc.mkdir(mode=0o755, parents=True, exist_ok=True)
    authorities = {name: _authority(layout.pki, name) for name in ("ca", "front-proxy-ca")}
    for want in wanted(layout):
        _write_signed(layout.pki, want, *authorities[want.authority])
    _write_service_account_key(layout.pki)
    for user in ("admin", "controller-manager", "scheduler", "kube-proxy", "node-a", "node-b"):
        _write_kubeconfig(layout, user)
    (layout.pki / "complete").touch()


def _authority(folder: Path, name: str) -> tuple[x509.Name, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"kubernetes-{name}")])
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        _builder(subject, subject, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
    )
    _write_pair(folder / name, key, builder.sign(key, hashes.SHA256()))
    return subject, key


def _write_signed(
    folder: Path, want: Wanted, issuer: x509.Name, signer: ec.EllipticCurvePrivateKey
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.NameAttribute(NameOID.COMMON_NAME, want.name)]
    if want.organization:
        names.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, want.organization))
    usage = x509.ExtendedKeyUsage([_SERVER if want.hosts else _CLIENT])
    builder = _builder(x509.Name(names), issuer, key).add_extension(usage, critical=False)
    if want.hosts:
        alternatives = x509.SubjectAlternativeName([_general_name(host) for host in want.hosts])
        builder = builder.add_extension(alternatives, critical=False)
    _write_pair(folder / want.file, key, builder.sign(signer, hashes.SHA256()))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + _LIFE)
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _write_pair(stem: Path, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
    _write_secret(stem.with_name(f"{stem.name}.key"), _pem(key))
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    stem.with_name(f"{stem.name}.crt").write_bytes(pem)


def _write_service_account_key(folder: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    _write_secret(folder / "sa.key", _pem(key))
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    (folder / "sa.pub").write_bytes(public)


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write_secret(path: Path, data: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(data)


def _write_kubeconfig(layout: Layout, user: str) -> None:
    def embedded(name: str) -> str:
        return base64.b64encode((layout.pki / name).read_bytes()).decode()

    cluster = {"server": layout.server, "certificate-authority-data": embedded("ca.crt")}
    credentials = {
        "client-certificate-data": embedded(f"{user}.crt"),
        "client-key-data": embedded(f"{user}.key"),
    }
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": layout.name, "cluster": cluster}],
        "users": [{"name": user, "user": credentials}],
        "contexts": [{"name": layout.name, "context": {"cluster": layout.name, "user": user}}],
        "current-context": layout.name,
    }
    _write_secret(layout.etc / f"{user}.kubeconfig", yaml.safe_dump(document).encode())
