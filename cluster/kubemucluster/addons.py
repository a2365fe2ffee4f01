"""What runs in the cluster from its first second: DNS and the storage classes."""

from __future__ import annotations

import string
from collections.abc import Mapping
from pathlib import Path

from . import api, tools
from .errors import StepFailed
from .images import Image
from .layout import Layout

_FOLDER = Path(__file__).parent / "manifests"
DEPLOYMENTS = ("coredns", "local-path-provisioner")


def apply(layout: Layout, kubectl: Path, images: Mapping[str, Image]) -> None:
    """Applies every manifest with this cluster's addresses and images in it."""
    values = {
        "dns": layout.service_dns,
        "shared": str(layout.state / "shared"),
        **{name.replace("-", "_"): image.reference for name, image in images.items()},
    }
    (layout.state / "shared").mkdir(exist_ok=True)
    texts = [
        string.Template(path.read_text()).substitute(values)
        for path in sorted(_FOLDER.glob("*.yaml"))
    ]
    command: list[str | Path] = [kubectl, f"--kubeconfig={layout.kubeconfig}", "apply", "-f", "-"]
    tools.run(command, text="\n---\n".join(texts))


def await_available(layout: Layout) -> None:
    """Waits until the add-ons run."""
    for name in DEPLOYMENTS:

        def available(name: str = name) -> bool:
            path = f"/apis/apps/v1/namespaces/kube-system/deployments/{name}"
            found = api.find(layout, path)
            return found is not None and bool(found["status"].get("availableReplicas"))

        if not tools.wait_until(available, limit=90):
            raise StepFailed(f"The Deployment {name} does not become available.")
