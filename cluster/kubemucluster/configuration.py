"""The configuration files of the daemons, rendered from the layout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from . import programs
from .layout import Layout, Node

_CONTAINERD = """\
version = 3
root = "/var/lib/containerd"
state = "/run/containerd"
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins.'io.containerd.cri.v1.images']
  snapshotter = "overlayfs"
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = "{pause}"
  [plugins.'io.containerd.cri.v1.images'.registry]
    config_path = "{registries}"
[plugins.'io.containerd.cri.v1.runtime']
  # Lowering the score needs CAP_SYS_RESOURCE, which root lacks on some machines.
  restrict_oom_score_adj = true
  [plugins.'io.containerd.cri.v1.runtime'.containerd]
    default_runtime_name = "runc"
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ["/usr/lib/cni"]
    conf_dir = "/etc/cni/net.d"
"""


def write_all(layout: Layout, pause: str) -> None:
    """Writes every file; `pause` is the image of the pods' sandboxes."""
    etc = layout.etc
    registries = etc / "registries"
    (registries / "registry:5000").mkdir(parents=True, exist_ok=True)
    _write(registries / "registry:5000" / "hosts.toml", _registry_hosts(layout))
    containerd = _CONTAINERD.format(pause=pause, registries=registries)
    _write(etc / "containerd.toml", containerd)
    _yaml(layout, "audit-policy.yaml", _audit_policy())
    for node in layout.nodes:
        _yaml(layout, f"{node.name}-kubelet.yaml", _kubelet(layout, node))
        _yaml(layout, f"{node.name}-proxy.yaml", _proxy(layout, node))
        conflist = node.folder / "cni-conf" / "10-kubemu.conflist"
        conflist.parent.mkdir(parents=True, exist_ok=True)
        _write(conflist, json.dumps(_cni(layout, node), indent=2))


def write_registry(layout: Layout) -> None:
    """The registry keeps its images in the cache: they are pushed once for all clusters."""
    _yaml(
        layout,
        "registry.yaml",
        {
            "version": "0.1",
            "log": {"level": "warn"},
            "storage": {
                "filesystem": {"rootdirectory": str(programs.cache() / "registry")},
                "delete": {"enabled": True},
            },
            "http": {"addr": f"{layout.ipv4}:{layout.registry_port}"},
        },
    )


def _yaml(layout: Layout, name: str, document: Any) -> None:
    _write(layout.etc / name, yaml.safe_dump(document, sort_keys=False))


def _write(path: Path, text: str) -> None:
    """Writes only what changes: kube-proxy ends when its file is written anew."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def _registry_hosts(layout: Layout) -> str:
    server = f"http://{layout.ipv4}:{layout.registry_port}"
    return f'server = "{server}"\n[host."{server}"]\n  capabilities = ["pull", "resolve"]\n'


def _audit_policy() -> dict[str, Any]:
    """Who wrote what, for counting; reads and the nodes' own heartbeats are left out."""
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [
            {"level": "None", "verbs": ["get", "list", "watch"]},
            {
                "level": "None",
                "resources": [{"group": "coordination.k8s.io", "resources": ["leases"]}],
            },
            {"level": "Metadata"},
        ],
    }


def _kubelet(layout: Layout, node: Node) -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "failCgroupV1": False,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{layout.cgroup}/{node.name}",
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(layout.pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(layout.pki / f"{node.name}-serving.crt"),
        "tlsPrivateKeyFile": str(layout.pki / f"{node.name}-serving.key"),
        "clusterDNS": [layout.service_dns],
        "clusterDomain": "cluster.local",
        "resolvConf": "/etc/resolv.conf",
        "oomScoreAdj": 0,
        "failSwapOn": False,
        "evictionHard": {
            "memory.available": "200Mi",
            "nodefs.available": "2%",
            "imagefs.available": "2%",
            "nodefs.inodesFree": "1%",
        },
        "nodeStatusUpdateFrequency": "5s",
        "serializeImagePulls": False,
    }


def _proxy(layout: Layout, node: Node) -> dict[str, Any]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(layout.etc / "kube-proxy.kubeconfig")},
        "mode": "nftables",
        "clusterCIDR": ",".join(layout.pods_cidrs),
        "detectLocalMode": "ClusterCIDR",
        "hostnameOverride": node.name,
        "healthzBindAddress": "0.0.0.0:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        "oomScoreAdj": 0,
        # Zeros keep it from writing the machine's connection tracking settings.
        "conntrack": {
            "maxPerCore": 0,
            "min": 0,
            "tcpEstablishedTimeout": "0s",
            "tcpCloseWaitTimeout": "0s",
        },
    }


def _cni(layout: Layout, node: Node) -> dict[str, Any]:
    subnets = layout.pods.chosen(node.pods_ipv4, node.pods_ipv6)
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "ipMasq": False,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": subnet}] for subnet in subnets],
            "routes": [{"dst": dst} for dst in layout.pods.chosen("0.0.0.0/0", "::/0")],
        },
    }
    portmap = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "0.4.0", "name": "kubemu", "plugins": [bridge, portmap]}
