"""Who the VM is to others: host name and subdomain."""

from __future__ import annotations

from collections.abc import Iterator

from ..clusterconfig import ClusterConfig
from ..core.vmi import VirtualMachineInstanceSpec
from ..violation import Violation
from .causes import invalid
from .kubenames import label_complaints, subdomain_complaints
from .path import Path


def hostname(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    if spec.hostname and (complaints := label_complaints(spec.hostname)):
        path = field / "hostname"
        yield invalid(
            path,
            f"{path} does not conform to the kubernetes DNS_LABEL rules : {', '.join(complaints)}",
        )


def subdomain(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    if spec.subdomain and (complaints := subdomain_complaints(spec.subdomain)):
        path = field / "subdomain"
        yield invalid(
            path,
            f"{path} does not conform to the kubernetes DNS_SUBDOMAIN rules : "
            f"{', '.join(complaints)}",
        )
