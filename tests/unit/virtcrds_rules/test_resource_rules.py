"""Memory, CPUs and pinning: a table of what is refused, and of what is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from virtcrds import ClusterConfig, VirtualMachineInstance, validate
from virtcrds.clusterconfig import RolloutStrategy

Complaints = Callable[..., list[tuple[str, str]]]

REQUEST = "spec.domain.resources.requests"
LIMIT = "spec.domain.resources.limits"
PLACEMENT = "spec.domain.cpu.dedicatedCpuPlacement"
MAPPING = "spec.domain.cpu.numa.guestMappingPassthrough"
PINNED = "cpu: {cores: 2, dedicatedCpuPlacement: true"

REFUSED = {
    "a negative limit": (
        "domain: {resources: {limits: {memory: -1}}}",
        (f"{LIMIT}.memory", f"{LIMIT}.memory '-1': must be greater than or equal to 0."),
    ),
    "a negative guest": (
        "domain: {memory: {guest: -1Gi}}",
        (
            "spec.domain.memory.guest",
            "spec.domain.memory.guest '-1Gi': must be greater than or equal to 0.",
        ),
    ),
    "a negative guest beside a good request": (
        "domain: {memory: {guest: -1Gi}, resources: {requests: {memory: 1Gi}}}",
        (
            "spec.domain.memory.guest",
            "spec.domain.memory.guest '-1Gi': must be greater than or equal to 0.",
        ),
    ),
    "no guest memory at all": (
        "domain: {memory: {guest: 0}}",
        (
            "spec.domain.memory.guest",
            "spec.domain.memory.guest '0': must be greater than or equal to 1M.",
        ),
    ),
    "more memory than any CPU can address": (
        "domain: {memory: {guest: 1e30}}",
        (
            "spec.domain.memory.guest",
            "spec.domain.memory.guest '1e30': must be less than or equal to 4Pi.",
        ),
    ),
    "a page size that is none": (
        "domain: {memory: {hugepages: {pageSize: big}}}",
        (
            "spec.domain.hugepages.size",
            "spec.domain.hugepages.size 'big': quantities must match the regular expression "
            "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        ),
    ),
    "a page size of zero": (
        "domain: {memory: {hugepages: {pageSize: '0'}}}",
        ("spec.domain.hugepages.size", "spec.domain.hugepages.size '0': must be greater than 0."),
    ),
    "less than a page": (
        "domain: {memory: {guest: 512Mi, hugepages: {pageSize: 1Gi}}}",
        (
            "spec.domain.memory.guest",
            "spec.domain.memory.guest '512Mi' must be equal to or larger than page size "
            "spec.domain.hugepages.size '1Gi'",
        ),
    ),
    "part of a page": (
        "domain: {memory: null,"
        " resources: {requests: {memory: 65M}}, memory: {hugepages: {pageSize: 2Mi}}}",
        (
            f"{REQUEST}.memory",
            f"{REQUEST}.memory '65M' is not a multiple of the page size "
            "spec.domain.hugepages.size '2Mi'",
        ),
    ),
    "a ceiling below the guest": (
        "domain: {memory: {maxGuest: 512Mi}}",
        (
            "spec.domain.memory.guest",
            "Guest memory is greater than the configured maxGuest memory",
        ),
    ),
    "a ceiling that is no block": (
        "domain: {memory: {maxGuest: 3000000000}}",
        ("spec.domain.memory.guest", "MaxGuest must be 2Mi aligned"),
    ),
    "a guest that is no block": (
        "domain: {memory: {guest: 1100M, maxGuest: 4Gi}}",
        ("spec.domain.memory.guest", "Guest memory must be 2Mi aligned"),
    ),
    "a small guest that wants to grow": (
        "domain: {memory: {guest: 512Mi, maxGuest: 1Gi}}",
        (
            "spec.domain.memory.guest",
            "Memory hotplug is only available for VMs with at least 1Gi of guest memory",
        ),
    ),
    "negative CPUs": (
        "domain: {cpu: {cores: 1}, resources: {requests: {cpu: -1}}}",
        (f"{REQUEST}.cpu", f"{REQUEST}.cpu '-1': must be greater than or equal to 0."),
    ),
    "a negative CPU limit": (
        "domain: {cpu: {cores: 1}, resources: {limits: {cpu: -500m}, requests: {cpu: 100m}}}",
        (f"{LIMIT}.cpu", f"{LIMIT}.cpu '-500m': must be greater than or equal to 0."),
    ),
    "absurdly many CPUs requested": (
        "domain: {resources: {requests: {cpu: 1e30}}}",
        (f"{REQUEST}.cpu", f"{REQUEST}.cpu '1e30': must be less than or equal to 4096."),
    ),
    "absurdly many CPUs in the topology": (
        "domain: {cpu: {sockets: 4294967295, cores: 4294967295, threads: 2}}",
        (
            "spec.domain.cpu",
            "spec.domain.cpu has 36893488130239234050 vCPUs, more than the 4096 possible",
        ),
    ),
    "more sockets than the ceiling": (
        "domain: {cpu: {sockets: 4, maxSockets: 2}}",
        (
            "spec.domain.cpu.sockets",
            "Number of sockets in CPU topology is greater than the maximum sockets allowed",
        ),
    ),
    "an unknown policy of a flag": (
        "domain: {cpu: {cores: 1, features: [{name: vmx, policy: want}]}}",
        (
            "spec.domain.cpu.features[0].policy",
            "CPU feature vmx uses policy want that is not supported.",
        ),
    ),
    "an isolated emulator without pinning": (
        "domain: {cpu: {cores: 1, isolateEmulatorThread: true}}",
        (
            "spec.domain.cpu.isolateEmulatorThread",
            "IsolateEmulatorThread should be only set in combination with DedicatedCPUPlacement",
        ),
    ),
    "pinning without memory for the pod": (
        f"domain: {{{PINNED}}}}}",
        (f"{LIMIT}.memory", f"{REQUEST}.memory or {LIMIT}.memory should be provided"),
    ),
    "pinning with memory that may grow": (
        f"domain: {{{PINNED}}}, "
        "resources: {requests: {memory: 1Gi}, limits: {memory: 2Gi}}}",
        (f"{REQUEST}.memory", f"{REQUEST}.memory must be equal to {LIMIT}.memory"),
    ),
    "pinning of half a CPU": (
        f"domain: {{{PINNED}}}, resources: {{requests: {{memory: 1Gi, cpu: 1500m}}}}}}",
        (f"{REQUEST}.cpu", "provided resources CPU requests must be an interger"),
    ),
    "pinning of other CPUs than the guest has": (
        f"domain: {{{PINNED}}}, resources: {{requests: {{memory: 1Gi, cpu: 3}}}}}}",
        (
            PLACEMENT,
            f"{REQUEST}.cpu or {LIMIT}.cpu must not be provided at the same time with "
            "spec.domain.cpu.cores when DedicatedCPUPlacement is true ",
        ),
    ),
    "pinning of CPUs that may grow": (
        f"domain: {{{PINNED}}}, "
        "resources: {requests: {memory: 1Gi, cpu: 2}, limits: {cpu: 4}}}",
        (
            PLACEMENT,
            f"{REQUEST}.cpu or {LIMIT}.cpu must be equal when DedicatedCPUPlacement is true ",
        ),
    ),
    "pinning with three threads a core": (
        f"domain: {{{PINNED}, threads: 3}}, resources: {{requests: {{memory: 1Gi}}}}}}",
        (
            PLACEMENT,
            "Not more than two threads must be provided at spec.domain.cpu.threads (got 3) "
            "when DedicatedCPUPlacement is true",
        ),
    ),
}

ACCEPTED = {
    "a limit instead of a request": "domain: {memory: null, resources: {limits: {memory: 1Gi}}}",
    "huge pages that fit": "domain: {memory: {guest: 64Mi, hugepages: {pageSize: 2Mi}}}",
    "room to grow": "domain: {memory: {maxGuest: 4Gi}, cpu: {sockets: 2, maxSockets: 8}}",
    "a guest above its pod's limit, which live update raises": (
        "domain: {memory: {guest: 2Gi}, resources: {limits: {memory: 1Gi}}}"
    ),
    "pinned CPUs": f"domain: {{{PINNED}}}, resources: {{requests: {{memory: 1Gi, cpu: 2}}}}}}",
}


@pytest.mark.parametrize(("changes", "complaint"), REFUSED.values(), ids=REFUSED)
def test_refused(complaints: Complaints, changes: str, complaint: tuple[str, str]) -> None:
    assert complaints(changes) == [complaint]


@pytest.mark.parametrize("changes", ACCEPTED.values(), ids=ACCEPTED)
def test_accepted(complaints: Complaints, changes: str) -> None:
    assert complaints(changes) == []


def test_numa_passthrough_needs_pinning_and_huge_pages(complaints: Complaints) -> None:
    assert complaints("domain: {cpu: {cores: 1, numa: {guestMappingPassthrough: {}}}}") == [
        (
            MAPPING,
            f"{PLACEMENT} must be set to true when NUMA topology strategy is set in {MAPPING}",
        ),
        (
            MAPPING,
            "spec.domain.memory.hugepages must be requested "
            f"when NUMA topology strategy is set in {MAPPING}",
        ),
    ]


def test_real_time_needs_pinning_and_numa_passthrough(complaints: Complaints) -> None:
    realtime = "spec.domain.cpu.realtime"
    assert complaints("domain: {cpu: {cores: 1, realtime: {}}}") == [
        (PLACEMENT, f"{PLACEMENT} must be set to true when {realtime} is used"),
        (MAPPING, f"{MAPPING} must be defined when {realtime} is used"),
    ]


def test_a_guest_may_not_exceed_its_limit_where_vms_are_not_updated_live(
    make_vmi: Callable[..., VirtualMachineInstance],
) -> None:
    vmi = make_vmi("domain: {memory: {guest: 2Gi}, resources: {limits: {memory: 1Gi}}}")
    found = validate(vmi, ClusterConfig(rollout_strategy=RolloutStrategy.STAGE))
    assert [violation.message for violation in found] == [
        "spec.domain.memory.guest '2Gi' must be equal to or less than the memory limit "
        f"{LIMIT}.memory '1Gi'"
    ]


def test_reasons_are_the_stable_ones(make_vmi: Callable[..., VirtualMachineInstance]) -> None:
    changes = "domain: {memory: null, cpu: {cores: 1, features: [{name: vmx, policy: want}]}}"
    assert [violation.reason for violation in validate(make_vmi(changes))] == [
        "FieldValueNotSupported",
        "FieldValueRequired",
    ]
