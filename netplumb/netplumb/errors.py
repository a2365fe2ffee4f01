"""What can go wrong: one error, told apart by its reason.

PlumbError
    PodDeviceMissing      the namespace has no such interface, or it has no address
    NetworkOverlap        the guest's own network and the pod's are one
    InvalidNetwork        a network of a `Wanted` is not one that a guest can be given
    InterfaceInUse        a tap of that name is there: somebody holds it open
    TunUnavailable        the kernel, or this container, has no /dev/net/tun
    NftUnavailable        `nft`, or the kernel's part of it, is missing or refuses the rules
    NotPermitted          the caller lacks CAP_NET_ADMIN or CAP_SYS_ADMIN
    NamespaceGone         the descriptor is no network namespace, or its process has ended
    KernelRefused         anything else that the kernel said no to
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    POD_DEVICE_MISSING = "PodDeviceMissing"
    NETWORK_OVERLAP = "NetworkOverlap"
    INVALID_NETWORK = "InvalidNetwork"
    INTERFACE_IN_USE = "InterfaceInUse"
    TUN_UNAVAILABLE = "TunUnavailable"
    NFT_UNAVAILABLE = "NftUnavailable"
    NOT_PERMITTED = "NotPermitted"
    NAMESPACE_GONE = "NamespaceGone"
    KERNEL_REFUSED = "KernelRefused"


class PlumbError(Exception):
    """The network is not connected, and nothing half-made is left of the attempt."""

    def __init__(self, reason: Reason, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        """One sentence with the interface or file."""
        self.hint = hint
        """What to do about it, or empty."""
