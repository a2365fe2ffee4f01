"""Where a pod may run: affinity, tolerations, spreading."""

from pydantic import Field

from ..base import Model
from ..scalars import ATOMIC, Int32, Int64, Items
from .meta import LabelSelector


class NodeSelectorRequirement(Model):
    """One condition on a node's label or field."""

    key: str = Field(description="Label or field that the condition looks at.")
    operator: str = Field(description="In, NotIn, Exists, DoesNotExist, Gt or Lt.")
    values: Items[str] = Field(
        default=(), description="Values to compare with.", json_schema_extra=ATOMIC
    )


class NodeSelectorTerm(Model):
    """Conditions on a node that must all hold."""

    atomic = True

    match_expressions: Items[NodeSelectorRequirement] = Field(
        default=(), description="Conditions on labels.", json_schema_extra=ATOMIC
    )
    match_fields: Items[NodeSelectorRequirement] = Field(
        default=(), description="Conditions on fields.", json_schema_extra=ATOMIC
    )


class NodeSelector(Model):
    """Terms of which at least one must hold."""

    atomic = True

    node_selector_terms: Items[NodeSelectorTerm] = Field(
        description="The terms.", json_schema_extra=ATOMIC
    )


class PreferredSchedulingTerm(Model):
    """A wish for nodes, with its weight."""

    weight: Int32 = Field(description="Weight of the wish, 1 to 100.")
    preference: NodeSelectorTerm = Field(description="The nodes wished for.")


class NodeAffinity(Model):
    """Rules about the nodes themselves."""

    required_during_scheduling_ignored_during_execution: NodeSelector | None = Field(
        default=None, description="Nodes must match at least one term."
    )
    preferred_during_scheduling_ignored_during_execution: Items[PreferredSchedulingTerm] = Field(
        default=(),
        description="Nodes that match more weight are preferred.",
        json_schema_extra=ATOMIC,
    )


class PodAffinityTerm(Model):
    """Pods that this one should, or should not, share a topology domain with."""

    label_selector: LabelSelector | None = Field(default=None, description="Selects the pods.")
    namespaces: Items[str] = Field(
        default=(),
        description="Namespaces of the pods; empty means its own.",
        json_schema_extra=ATOMIC,
    )
    namespace_selector: LabelSelector | None = Field(
        default=None, description="Selects the pods' namespaces by label."
    )
    topology_key: str = Field(description="Node label whose value names the domain.")
    match_label_keys: Items[str] = Field(
        default=(),
        description="Labels whose values are taken from this pod and must be equal.",
        json_schema_extra=ATOMIC,
    )
    mismatch_label_keys: Items[str] = Field(
        default=(),
        description="Labels whose values are taken from this pod and must differ.",
        json_schema_extra=ATOMIC,
    )


class WeightedPodAffinityTerm(Model):
    """A wish about neighbours, with its weight."""

    weight: Int32 = Field(description="Weight of the wish, 1 to 100.")
    pod_affinity_term: PodAffinityTerm = Field(description="The neighbours.")


class PodAffinity(Model):
    """Rules about the pods that run in the same topology domain."""

    required_during_scheduling_ignored_during_execution: Items[PodAffinityTerm] = Field(
        default=(), description="Terms that must hold.", json_schema_extra=ATOMIC
    )
    preferred_during_scheduling_ignored_during_execution: Items[WeightedPodAffinityTerm] = Field(
        default=(), description="Terms that are wished for.", json_schema_extra=ATOMIC
    )


class Affinity(Model):
    """Attraction to and repulsion from nodes and pods."""

    node_affinity: NodeAffinity | None = Field(default=None, description="Rules about nodes.")
    pod_affinity: PodAffinity | None = Field(default=None, description="Pods to run close to.")
    pod_anti_affinity: PodAffinity | None = Field(
        default=None, description="Pods to keep away from."
    )


class Toleration(Model):
    """A taint that does not keep the pod away."""

    key: str = Field(default="", description="Key of the taint; empty tolerates every key.")
    operator: str = Field(default="", description="Exists or Equal (the default).")
    value: str = Field(default="", description="Value of the taint for Equal.")
    effect: str = Field(
        default="",
        description="NoSchedule, PreferNoSchedule or NoExecute; empty tolerates every effect.",
    )
    toleration_seconds: Int64 | None = Field(
        default=None, description="How long a NoExecute taint is tolerated; forever when unset."
    )


class TopologySpreadConstraint(Model):
    """How evenly matching pods are spread over topology domains."""

    max_skew: Int32 = Field(description="Largest difference between two domains.")
    topology_key: str = Field(description="Node label whose value names the domain.")
    when_unsatisfiable: str = Field(description="DoNotSchedule or ScheduleAnyway.")
    label_selector: LabelSelector | None = Field(
        default=None, description="Selects the pods to count."
    )
    min_domains: Int32 | None = Field(
        default=None, description="Number of domains that must exist."
    )
    node_affinity_policy: str | None = Field(
        default=None, description="Honor or Ignore the pod's node affinity when counting."
    )
    node_taints_policy: str | None = Field(
        default=None, description="Honor or Ignore node taints when counting."
    )
    match_label_keys: Items[str] = Field(
        default=(),
        description="Labels whose values are taken from this pod and select the pods to count.",
        json_schema_extra=ATOMIC,
    )
