"""Network interfaces of the guest."""

from pydantic import Field

from ..base import Empty, Model, Rule
from ..scalars import SERVER_REQUIRES, Int32, Int64, Items, UInt64

_BINDINGS = (
    "has(self.bridge)",
    "has(self.slirp)",
    "has(self.masquerade)",
    "has(self.sriov)",
    "has(self.macvtap)",
    "has(self.passt)",
    "has(self.passtBinding)",
    "has(self.binding)",
)


class Port(Model):
    """A port of the guest that others connect to."""

    name: str = Field(default="", description="Name for services and probes; unique in the VM.")
    protocol: str = Field(default="", description="TCP (the default) or UDP.")
    port: Int32 = Field(
        default=0, description="Number of the port.", json_schema_extra=SERVER_REQUIRES
    )


class PortRange(Model):
    """Ports of the guest that others connect to, as a range."""

    protocol: str = Field(default="", description="TCP (the default) or UDP.")
    start: Int32 = Field(default=0, description="First port.", json_schema_extra=SERVER_REQUIRES)
    end: Int32 = Field(default=0, description="Last port.", json_schema_extra=SERVER_REQUIRES)


class DHCPPrivateOption(Model):
    """A DHCP option for private use."""

    option: Int64 = Field(description="Number of the option, 224 to 254.")
    value: str = Field(description="Value of the option.")


class DHCPOptions(Model):
    """What the guest's DHCP answer carries beyond its address."""

    boot_file_name: str = Field(default="", description="Boot file (option 67).")
    tftp_server_name: str = Field(default="", description="TFTP server (option 66).")
    ntp_servers: Items[str] = Field(
        default=(), description="IPv4 addresses of NTP servers (option 42)."
    )
    private_options: Items[DHCPPrivateOption] = Field(default=(), description="Options 224 to 254.")


class PluginBinding(Model):
    """A binding that a plugin provides."""

    name: str = Field(description="Name of the binding in the KubeVirt object's configuration.")


class Interface(Model):
    """One network interface; the network of the same name is what it connects to."""

    cel_rules = (
        Rule(
            # None at all is for validation to complain about: in a VM a preference may bind it.
            rule=f"[{', '.join(_BINDINGS)}].filter(x, x).size() <= 1",
            message="must have exactly one binding method or binding plugin",
        ),
    )

    name: str = Field(description="Name of the network that it connects to.")
    model: str = Field(
        default="",
        description="virtio (the default), e1000, e1000e, igb, ne2k_pci, pcnet or rtl8139.",
    )
    bridge: Empty | None = Field(
        default=None, description="The guest takes over the pod's address."
    )
    slirp: Empty | None = Field(default=None, description="Removed; use masquerade.")
    masquerade: Empty | None = Field(
        default=None, description="The guest has a private address behind the pod's (NAT)."
    )
    sriov: Empty | None = Field(
        default=None, description="The guest gets a virtual function of a network card."
    )
    macvtap: Empty | None = Field(default=None, description="Removed; use a binding plugin.")
    passt: Empty | None = Field(default=None, description="Removed; use passtBinding.")
    passt_binding: Empty | None = Field(
        default=None, description="The pod's sockets carry the guest's traffic (passt)."
    )
    binding: PluginBinding | None = Field(
        default=None, description="A binding that a plugin provides."
    )
    ports: Items[Port] = Field(
        default=(), description="Ports to forward; with masquerade only these when any is given."
    )
    port_ranges: Items[PortRange] = Field(
        default=(), description="Ranges of ports to forward, ten at most; masquerade only."
    )
    mac_address: str = Field(
        default="", description="MAC address, e.g. de:ad:00:00:be:af; made up when empty."
    )
    boot_order: UInt64 | None = Field(
        default=None, description="Place in the boot order, from 1; unique among all devices."
    )
    pci_address: str = Field(default="", description="PCI address, e.g. 0000:81:01.1.")
    dhcp_options: DHCPOptions | None = Field(
        default=None, description="What the DHCP answer carries beyond the address."
    )
    tag: str = Field(default="", description="Tag of the device in the config drive's metadata.")
    acpi_index: Int64 = Field(
        default=0, description="Index for stable names in the guest, 1 to 16383, unique."
    )
    state: str = Field(
        default="", description="up (the default), down, or absent to unplug the interface."
    )
