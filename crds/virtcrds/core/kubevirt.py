"""KubeVirt: the object by which virtual machines are switched on and configured in a cluster."""

from typing import Annotated

import annotated_types
from pydantic import Field

from ..base import Model
from ..duration import Duration
from ..kind import Kind
from ..kubernetes.meta import Condition, LocalObjectReference
from ..kubernetes.scheduling import Affinity, Toleration
from ..scalars import ATOMIC, Int64, Items
from .configuration import KubeVirtConfiguration


class CertConfig(Model):
    """How long certificates live."""

    duration: Duration | None = Field(default=None, description="Lifetime.")
    renew_before: Duration | None = Field(
        default=None, description="Time before the end at which a new one is made."
    )


class SelfSignConfiguration(Model):
    """Certificates of our own authority."""

    ca_rotate_interval: Duration | None = Field(
        default=None, description="Deprecated: see ca.duration."
    )
    cert_rotate_interval: Duration | None = Field(
        default=None, description="Deprecated: see server.duration."
    )
    ca_overlap_interval: Duration | None = Field(
        default=None, description="Deprecated: see ca.renewBefore."
    )
    ca: CertConfig | None = Field(default=None, description="Of the authority itself.")
    server: CertConfig | None = Field(default=None, description="Of servers.")


class CertificateRotateStrategy(Model):
    """How certificates are renewed."""

    self_signed: SelfSignConfiguration | None = Field(
        default=None, description="By our own authority."
    )


class WorkloadUpdateStrategy(Model):
    """How running VMs get a new version of the launcher."""

    workload_update_methods: Items[str] = Field(
        default=(),
        description="LiveMigrate and Evict; none means at their next start.",
        json_schema_extra=ATOMIC,
    )
    batch_eviction_size: Int64 | None = Field(
        default=None, description="VMs that are evicted at a time; 10."
    )
    batch_eviction_interval: Duration | None = Field(
        default=None, description="Time between two such batches; 1m."
    )


class NodePlacement(Model):
    """Where pods may run."""

    node_selector: dict[str, str] = Field(
        default_factory=dict, description="Labels that the node must have."
    )
    affinity: Affinity | None = Field(
        default=None, description="Attraction to and repulsion from nodes and pods."
    )
    tolerations: Items[Toleration] = Field(
        default=(), description="Taints that do not keep the pods away."
    )


class ComponentConfig(Model):
    """Where components run, and how many of each."""

    node_placement: NodePlacement | None = Field(default=None, description="Where they run.")
    replicas: Annotated[int, annotated_types.Ge(0), annotated_types.Le(255)] | None = Field(
        default=None, description="How many of each; 2."
    )


class ComponentFlags(Model):
    """Command line flags of components, instead of their own."""

    api: dict[str, str] = Field(default_factory=dict, description="Of virt-api.")
    controller: dict[str, str] = Field(default_factory=dict, description="Of virt-controller.")
    handler: dict[str, str] = Field(default_factory=dict, description="Of virt-handler.")


class ComponentPatch(Model):
    """A change to one installed object."""

    resource_name: str = Field(description="Name of the object.")
    resource_type: str = Field(description="Kind of the object.")
    patch: str = Field(description="The patch.")
    type: str = Field(description="json, merge or strategic.")


class CustomizeComponents(Model):
    """Changes to what is installed."""

    patches: Items[ComponentPatch] = Field(
        default=(), description="Patches of installed objects.", json_schema_extra=ATOMIC
    )
    flags: ComponentFlags | None = Field(
        default=None, description="Command line flags, instead of the components' own."
    )


class KubeVirtSpec(Model):
    """What is installed, and how virtual machines are run."""

    image_tag: str = Field(default="", description="Tag of our images.")
    image_registry: str = Field(default="", description="Registry of our images.")
    image_pull_policy: str = Field(default="", description="Pull policy of our images.")
    image_pull_secrets: Items[LocalObjectReference] = Field(
        default=(), description="Secrets with the registry's login.", json_schema_extra=ATOMIC
    )
    monitor_namespace: str = Field(default="", description="Namespace of Prometheus.")
    service_monitor_namespace: str = Field(
        default="", description="Namespace for our ServiceMonitor."
    )
    monitor_account: str = Field(default="", description="Service account of Prometheus.")
    workload_update_strategy: WorkloadUpdateStrategy = Field(
        default_factory=WorkloadUpdateStrategy.model_construct,
        description="How running VMs get a new version of the launcher.",
    )
    uninstall_strategy: str = Field(
        default="",
        description="With VMs left: RemoveWorkloads, or BlockUninstallIfWorkloadsExist.",
    )
    certificate_rotate_strategy: CertificateRotateStrategy = Field(
        default_factory=CertificateRotateStrategy.model_construct,
        description="How certificates are renewed.",
    )
    product_version: str = Field(default="", description="Version label of our objects.")
    product_name: str = Field(default="", description="Product label of our objects.")
    product_component: str = Field(default="", description="Component label of our objects.")
    synchronization_port: str = Field(
        default="", description="Port for exchanging state with other clusters; 9185."
    )
    configuration: KubeVirtConfiguration = Field(
        default_factory=KubeVirtConfiguration.model_construct,
        description="How virtual machines are run.",
    )
    infra: ComponentConfig | None = Field(
        default=None, description="Where controllers run, and how many of each."
    )
    workloads: ComponentConfig | None = Field(
        default=None, description="Where VMs and what serves them run."
    )
    synchronization_placement: ComponentConfig | None = Field(
        default=None, description="Where synchronization controllers run."
    )
    customize_components: CustomizeComponents = Field(
        default_factory=CustomizeComponents.model_construct,
        description="Changes to what is installed.",
    )


class GenerationStatus(Model):
    """An installed object, and the generation that is known of it."""

    group: str = Field(description="Its API group.")
    resource: str = Field(description="Its resource.")
    namespace: str = Field(default="", description="Its namespace.")
    name: str = Field(description="Its name.")
    last_generation: Int64 = Field(description="The generation.")
    hash: str = Field(default="", description="Hash of the content, of objects without generation.")


class KubeVirtStatus(Model):
    """How far the installation is."""

    phase: str = Field(default="", description="Deploying, Deployed, Deleting or Deleted.")
    conditions: Items[Condition] = Field(
        default=(), description="Created, Available, Progressing, Degraded and Synchronized."
    )
    operator_version: str = Field(default="", description="Version of the operator.")
    target_kube_virt_registry: str = Field(default="", description="Registry that is wished for.")
    target_kube_virt_version: str = Field(default="", description="Version that is wished for.")
    target_deployment_config: str = Field(default="", description="Settings that are wished for.")
    target_deployment_id: str = Field(
        default="", alias="targetDeploymentID", description="Hash of what is wished for."
    )
    observed_kube_virt_registry: str = Field(default="", description="Registry that is in use.")
    observed_kube_virt_version: str = Field(default="", description="Version that is in use.")
    observed_deployment_config: str = Field(default="", description="Settings that are in use.")
    observed_deployment_id: str = Field(
        default="", alias="observedDeploymentID", description="Hash of what is in use."
    )
    outdated_virtual_machine_instance_workloads: Int64 | None = Field(
        default=None, description="VMs that still run an older launcher."
    )
    observed_generation: Int64 | None = Field(
        default=None, description="Generation of the spec that this is about."
    )
    default_architecture: str = Field(
        default="", description="Architecture of a VM that names none."
    )
    generations: Items[GenerationStatus] = Field(
        default=(), description="Installed objects.", json_schema_extra=ATOMIC
    )
    synchronization_addresses: Items[str] = Field(
        default=(),
        description="Addresses for exchanging state with other clusters.",
        json_schema_extra=ATOMIC,
    )


class KubeVirt(Kind):
    """Switches virtual machines on in a cluster, and configures them."""

    spec: KubeVirtSpec = Field(description="What is installed, and how VMs are run.")
    status: KubeVirtStatus = Field(
        default_factory=KubeVirtStatus.model_construct, description="How far that is."
    )
