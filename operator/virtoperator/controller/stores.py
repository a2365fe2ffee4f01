"""What the controller keeps of the cluster, and how objects find each other in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .. import names
from ..kinds import KUBEVIRT, NODE, POD, POOL, PVC, QUOTA, REPLICASET, VM, VMI, Kind
from ..podvolumes import claim_names
from ..store import Store
from .trees import at, controller_of, labels_of, meta

Json = dict[str, Any]


class Stores:
    """One store for each kind, with the indexes that reconciles need."""

    def __init__(self) -> None:
        self.vms = Store(owner=_owner)
        self.vmis = Store(owner=_owner, orphan=_orphan, claim=_claims, node=_node)
        self.pods = Store(vmi=_vmi, node=_pod_node)
        self.claims = Store()
        self.nodes = Store()
        self.quotas = Store(namespace=_namespace)
        self.replicasets = Store()
        self.pools = Store()
        self.kubevirts = Store()

    @property
    def by_kind(self) -> dict[Kind, Store]:
        return {
            VM: self.vms,
            VMI: self.vmis,
            POD: self.pods,
            PVC: self.claims,
            NODE: self.nodes,
            QUOTA: self.quotas,
            REPLICASET: self.replicasets,
            POOL: self.pools,
            KUBEVIRT: self.kubevirts,
        }


def claim_key(namespace: str, name: str) -> str:
    """The value under which a claim's VMIs are found."""
    return f"{namespace}/{name}"


def claims_of(vmi: Json) -> list[str]:
    """Names of the claims of a VMI; of one that is malformed: none, `reconcile` says why."""
    try:
        return claim_names(vmi)
    except (AttributeError, KeyError, TypeError):
        return []


def _namespace(body: Json) -> Iterable[str]:
    return (str(meta(body)["namespace"]),)


def _owner(body: Json) -> Iterable[str]:
    uid = controller_of(body).get("uid")
    return (str(uid),) if uid else ()


def _orphan(body: Json) -> Iterable[str]:
    """Objects without a controller, by their namespace: somebody may adopt them."""
    return () if controller_of(body) else (str(meta(body).get("namespace", "")),)


def _claims(vmi: Json) -> Iterable[str]:
    return [claim_key(meta(vmi)["namespace"], name) for name in claims_of(vmi)]


def _node(vmi: Json) -> Iterable[str]:
    node = at(vmi, "status", "nodeName")
    return (str(node),) if node else ()


def _vmi(pod: Json) -> Iterable[str]:
    uid = labels_of(pod).get(names.CREATED_BY)
    return (uid,) if uid else ()


def _pod_node(pod: Json) -> Iterable[str]:
    node = at(pod, "spec", "nodeName")
    return (str(node),) if node else ()
