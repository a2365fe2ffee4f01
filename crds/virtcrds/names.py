"""Names: snake_case inside, KubeVirt's camelCase outside."""

from __future__ import annotations

# Words that KubeVirt's API does not simply capitalise inside a name.
_SPELLING = {
    "api": "API",
    "cidr": "CIDR",
    "cpu": "CPU",
    "fb": "FB",
    "gib": "GiB",
    "gpu": "GPU",
    "io": "IO",
    "ipv6": "IPv6",
    "os": "OS",
    "pvc": "PVC",
    "selinux": "SELinux",
    "tls": "TLS",
    "tpm": "TPM",
    "tsc": "TSC",
    "uid": "UID",
    "url": "URL",
    "uuid": "UUID",
    "vmi": "VMI",
    "vsock": "VSOCK",
}


def camel(name: str) -> str:
    """`dedicated_io_thread` → `dedicatedIOThread`; what differs from the rule has its own alias."""
    first, *others = name.rstrip("_").split("_")
    return first + "".join(_SPELLING.get(word) or word.capitalize() for word in others)
