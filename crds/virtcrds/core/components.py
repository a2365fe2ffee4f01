"""Settings of our own components: their clients, TLS, seccomp profiles."""

from pydantic import Field

from ..base import Model
from ..scalars import Choice, Int64, Items


class TLSVersion(Choice):
    TLS10 = "VersionTLS10"
    TLS11 = "VersionTLS11"
    TLS12 = "VersionTLS12"
    TLS13 = "VersionTLS13"


class TokenBucketRateLimiter(Model):
    """So many requests, and some more at once."""

    qps: float = Field(description="Requests per second.")
    burst: Int64 = Field(description="Requests at once.")


class RateLimiter(Model):
    """How often a component may ask the API server."""

    token_bucket_rate_limiter: TokenBucketRateLimiter | None = Field(
        default=None, description="So many requests, and some more at once."
    )


class RESTClientConfiguration(Model):
    """A component's client of the API server."""

    rate_limiter: RateLimiter | None = Field(default=None, description="How often it may ask.")


class ComponentClient(Model):
    """Settings of one component that take effect at once."""

    rest_client: RESTClientConfiguration | None = Field(
        default=None, description="Its client of the API server."
    )


class TLSConfiguration(Model):
    """TLS of our servers."""

    min_tls_version: TLSVersion | None = Field(default=None, description="Oldest version.")
    ciphers: Items[str] = Field(
        default=(),
        description="Cipher suites for TLS 1.2.",
        json_schema_extra={"x-kubernetes-list-type": "set"},
    )


class CustomProfile(Model):
    """A seccomp profile."""

    localhost_profile: str | None = Field(
        default=None, description="File below the kubelet's seccomp folder."
    )
    runtime_default_profile: bool = Field(default=False, description="The runtime's own.")


class VirtualMachineInstanceProfile(Model):
    """Seccomp profile of the pods of VMs."""

    custom_profile: CustomProfile | None = Field(default=None, description="The profile.")


class SeccompConfiguration(Model):
    """Seccomp profiles."""

    virtual_machine_instance_profile: VirtualMachineInstanceProfile | None = Field(
        default=None, description="Of the pods of VMs."
    )
