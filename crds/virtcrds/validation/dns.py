"""The guest's resolver: policy, name servers, search domains. The rules are a pod's."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from ..clusterconfig import ClusterConfig
from ..core.vmi import VirtualMachineInstanceSpec
from ..kubernetes.pod import PodDNSConfig
from ..violation import Violation
from .causes import invalid, not_supported, required
from .kubenames import subdomain_complaints
from .path import Path

_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None", "")
_MAX_NAMESERVERS = 3
_MAX_SEARCHES = 6
_MAX_SEARCH_CHARACTERS = 256


def dns_policy(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    if spec.dns_policy not in _POLICIES:
        yield not_supported(
            field / "dnsPolicy",
            f"DNSPolicy: {spec.dns_policy} is not supported, valid values: [{' '.join(_POLICIES)}]",
        )


def dns_config(
    field: Path, spec: VirtualMachineInstanceSpec, config: ClusterConfig
) -> Iterator[Violation]:
    path, settings = field / "dnsConfig", spec.dns_config
    if spec.dns_policy == "None" and settings is None:
        yield required(path, "must provide `dnsConfig` when `dnsPolicy` is None")
    elif spec.dns_policy == "None" and settings is not None and not settings.nameservers:
        yield required(
            path / "nameservers",
            "must provide at least one DNS nameserver when `dnsPolicy` is None",
        )
    elif settings is not None:
        yield from _nameservers(path / "nameservers", settings)
        yield from _searches(path / "searches", settings)
        if any(not option.name for option in settings.options):
            yield invalid(path / "options", "Option.Name must not be empty")


def _nameservers(path: Path, settings: PodDNSConfig) -> Iterator[Violation]:
    servers = settings.nameservers
    if len(servers) > _MAX_NAMESERVERS:
        yield invalid(
            path,
            f"must not have more than {_MAX_NAMESERVERS} nameservers: [{' '.join(servers)}]",
        )
    for server in servers:
        if not _is_address(server):
            yield invalid(path, f"must be valid IP address: {server}")


def _searches(path: Path, settings: PodDNSConfig) -> Iterator[Violation]:
    if len(settings.searches) > _MAX_SEARCHES:
        yield invalid(path, f"must not have more than {_MAX_SEARCHES} search paths")
    if len(" ".join(settings.searches)) > _MAX_SEARCH_CHARACTERS:
        yield invalid(
            path,
            f"must not have more than {_MAX_SEARCH_CHARACTERS} characters (including spaces) "
            "in the search list",
        )
    for search in settings.searches:
        for complaint in subdomain_complaints(search):
            yield invalid(path, complaint)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text
