"""The control plane and the registry as data: each daemon's command line."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from .layout import Layout
from .processes import Daemon

_ENV = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}


def daemons(layout: Layout, programs: Mapping[str, Path]) -> list[Daemon]:
    """The daemons in the machine's own namespaces; they wait for each other."""
    arguments = {
        "etcd": _etcd(layout),
        "kube-apiserver": _apiserver(layout),
        "kube-controller-manager": _controller_manager(layout),
        "kube-scheduler": _scheduler(layout),
    }
    return [
        _registry(layout),
        *(
            Daemon(name=name, argv=(str(programs[name]), *words), env=_ENV)
            for name, words in arguments.items()
        ),
    ]


def provisioner(layout: Layout) -> Daemon:
    """What makes the volumes of class `loop`; wants an API server."""
    return Daemon(
        name="volumes",
        argv=(sys.executable, "-m", "kubemucluster.volumes", layout.name),
        env=_ENV,
    )


def _registry(layout: Layout) -> Daemon:
    config = layout.etc / "registry.yaml"
    return Daemon(
        name="registry",
        argv=("/usr/bin/docker-registry", "serve", str(config)),
        # It traces to a collector that is not there unless it is told not to.
        env={**_ENV, "OTEL_TRACES_EXPORTER": "none"},
    )


def _etcd(layout: Layout) -> list[str]:
    client = f"http://127.0.0.1:{layout.port(2379)}"
    peer = f"http://127.0.0.1:{layout.port(2380)}"
    return [
        "--name=e0",
        f"--data-dir={layout.state / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=e0={peer}",
        # A killed process loses nothing, a machine without power may: this cluster is for tests.
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def _apiserver(layout: Layout) -> list[str]:
    pki = layout.pki
    return [
        f"--etcd-servers=http://127.0.0.1:{layout.port(2379)}",
        f"--advertise-address={layout.pods.chosen(layout.ipv4, layout.ipv6)[0]}",
        "--bind-address=::",
        f"--secure-port={layout.api_port}",
        f"--service-cluster-ip-range={','.join(layout.service_cidrs)}",
        f"--tls-cert-file={pki / 'apiserver.crt'}",
        f"--tls-private-key-file={pki / 'apiserver.key'}",
        f"--client-ca-file={pki / 'ca.crt'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={pki / 'sa.pub'}",
        f"--service-account-signing-key-file={pki / 'sa.key'}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        f"--kubelet-client-certificate={pki / 'apiserver-kubelet-client.crt'}",
        f"--kubelet-client-key={pki / 'apiserver-kubelet-client.key'}",
        f"--kubelet-certificate-authority={pki / 'ca.crt'}",
        "--kubelet-preferred-address-types=InternalIP",
        f"--requestheader-client-ca-file={pki / 'front-proxy-ca.crt'}",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--proxy-client-cert-file={pki / 'front-proxy-client.crt'}",
        f"--proxy-client-key-file={pki / 'front-proxy-client.key'}",
        # No kube-proxy runs beside the API server: it dials the endpoints of Services itself.
        "--enable-aggregator-routing=true",
        f"--audit-policy-file={layout.etc / 'audit-policy.yaml'}",
        f"--audit-log-path={layout.audit_log}",
        "--audit-log-maxsize=200",
        "--audit-log-maxbackup=2",
    ]


def _controller_manager(layout: Layout) -> list[str]:
    pki = layout.pki
    return [
        *_client(layout, "controller-manager"),
        f"--secure-port={layout.port(10257)}",
        "--use-service-account-credentials=true",
        f"--service-account-private-key-file={pki / 'sa.key'}",
        f"--root-ca-file={pki / 'ca.crt'}",
        f"--cluster-signing-cert-file={pki / 'ca.crt'}",
        f"--cluster-signing-key-file={pki / 'ca.key'}",
        f"--client-ca-file={pki / 'ca.crt'}",
        f"--requestheader-client-ca-file={pki / 'front-proxy-ca.crt'}",
        "--allocate-node-cidrs=false",
        "--node-monitor-grace-period=20s",
    ]


def _scheduler(layout: Layout) -> list[str]:
    return [*_client(layout, "scheduler"), f"--secure-port={layout.port(10259)}"]


def _client(layout: Layout, user: str) -> list[str]:
    kubeconfig = layout.etc / f"{user}.kubeconfig"
    return [
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        "--bind-address=127.0.0.1",
        "--leader-elect=false",
        # With the default of 20 they throttle themselves for seconds while they start.
        "--kube-api-qps=300",
        "--kube-api-burst=600",
    ]
