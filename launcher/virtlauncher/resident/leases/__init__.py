"""The guest's addresses: DHCPv4, DHCPv6 and router advertisements for the machine's NICs.

`dhcp4`, `dhcp6` and `advertising` are pure: a packet and a lease in, an answer or None out. They
parse what a hostile guest sends, so they never raise for a packet. `serving` puts them on sockets
that came with the machine's request, each bound to its tap: nothing here needs a privilege.
"""

from .serving import Leases

__all__ = ["Leases"]
