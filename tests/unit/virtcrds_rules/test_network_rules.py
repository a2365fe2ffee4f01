"""Networks, interfaces, ports and DHCP: a table of what is refused, and of what is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from virtcrds import ClusterConfig, VirtualMachineInstance, validate

Complaints = Callable[..., list[tuple[str, str]]]

NIC = "spec.domain.devices.interfaces[0]"
STATE = '"default" interface\'s state'


def nic(settings: str) -> str:
    return f"domain: {{devices: {{interfaces: [{{name: default, {settings}}}]}}}}"


def on_multus(settings: str) -> str:
    interface = f"devices: {{interfaces: [{{name: default, {settings}}}]}}"
    return f"{{domain: {{{interface}}}, networks: [{{name: default, multus: {{networkName: n}}}}]}}"


def two(first: str, second: str) -> str:
    interfaces = (
        f"[{{name: default, masquerade: {{}}, {first}}}, {{name: b, bridge: {{}}, {second}}}]"
    )
    return (
        f"{{domain: {{devices: {{interfaces: {interfaces}}}}}, "
        "networks: [{name: default, pod: {}}, {name: b, multus: {networkName: n}}]}"
    )


REFUSED = {
    "slirp": (
        nic("slirp: {}"),
        (f"{NIC}.slirp", "Slirp interface support has been discontinued since v1.3"),
    ),
    "passt of old": (
        nic("passt: {}"),
        (f"{NIC}.passt", "Passt network binding has been discontinued since v1.3"),
    ),
    "macvtap": (
        nic("macvtap: {}"),
        (f"{NIC}.macvtap", "Macvtap network binding has been discontinued since v1.3"),
    ),
    "passt on another network": (
        on_multus("passtBinding: {}"),
        (f"{NIC}.name", "PasstBinding interface only implemented with pod network"),
    ),
    "an unknown state": (
        nic("masquerade: {}, state: sleeping"),
        (f"{NIC}.state", "logical default interface state value is unsupported: sleeping"),
    ),
    "a link that cannot be cut": (
        on_multus("sriov: {}, state: down"),
        (f"{NIC}.state", f'{STATE} "down" is not supported for its binding type'),
    ),
    "unplugging of what cannot be unplugged": (
        on_multus("sriov: {}, state: absent"),
        (f"{NIC}.state", f'{STATE} "absent" is supported only for bridge binding'),
    ),
    "unplugging of the default network": (
        nic("bridge: {}, state: absent"),
        (f"{NIC}.state", f'{STATE} "absent" is not supported on default networks'),
    ),
    "a MAC address with a missing part": (
        nic("masquerade: {}, macAddress: 'de:ad:00:00:be'"),
        (f"{NIC}.macAddress", f"interface {NIC}.name has malformed MAC address (de:ad:00:00:be)."),
    ),
    "a MAC address with mixed separators": (
        nic("masquerade: {}, macAddress: 'de:ad-00:00:be:af'"),
        (
            f"{NIC}.macAddress",
            f"interface {NIC}.name has malformed MAC address (de:ad-00:00:be:af).",
        ),
    ),
    "a MAC address that is too long": (
        nic("masquerade: {}, macAddress: 'de:ad:00:00:be:af:be:af'"),
        (
            f"{NIC}.macAddress",
            f"interface {NIC}.name has too long MAC address (de:ad:00:00:be:af:be:af).",
        ),
    ),
    "a multicast MAC address": (
        nic("masquerade: {}, macAddress: '01:00:5e:00:00:01'"),
        (
            f"{NIC}.macAddress",
            f"interface {NIC}.name has multicast MAC address (01:00:5e:00:00:01).",
        ),
    ),
    "the MAC address of nobody": (
        nic("masquerade: {}, macAddress: '00:00:00:00:00:00'"),
        (
            f"{NIC}.macAddress",
            f"interface {NIC}.name has all-zero MAC address (00:00:00:00:00:00).",
        ),
    ),
    "one MAC address for two, written differently": (
        two("macAddress: 'de:ad:00:00:be:af'", "macAddress: DE-AD-00-00-BE-AF"),
        (
            "spec.domain.devices.interfaces[1].macAddress",
            f"spec.domain.devices.interfaces[1] and {NIC} must not have the same macAddress.",
        ),
    ),
    "one ACPI index for two": (
        two("acpiIndex: 3", "acpiIndex: 3"),
        (
            "spec.domain.devices.interfaces[1].acpiIndex",
            f"spec.domain.devices.interfaces[1] and {NIC} must not have the same acpiIndex.",
        ),
    ),
    "an ACPI index beyond the table": (
        nic("masquerade: {}, acpiIndex: 16384"),
        (
            f"{NIC}.acpiIndex",
            f"interface {NIC}.name has an ACPI index that is not between 1 and 16383.",
        ),
    ),
    "a PCI function that does not exist": (
        nic("masquerade: {}, pciAddress: '0000:80:11.15'"),
        (f"{NIC}.pciAddress", f"interface {NIC}.name has malformed PCI address (0000:80:11.15)."),
    ),
    "a port's name with capitals": (
        nic("masquerade: {}, ports: [{name: Test, port: 80}]"),
        (f"{NIC}.ports[0].name", "Invalid name of the port: Test"),
    ),
    "a negative port": (
        nic("masquerade: {}, ports: [{port: -1}]"),
        (f"{NIC}.ports[0].port", "Port field must be in range 0 < x < 65536."),
    ),
    "the port after the last": (
        nic("masquerade: {}, ports: [{port: 65536}]"),
        (f"{NIC}.ports[0].port", "Port field must be in range 0 < x < 65536."),
    ),
    "ranges of ports without their gate": (
        nic("masquerade: {}, portRanges: [{start: 80, end: 90}]"),
        (
            f"{NIC}.name",
            "portRanges is specified on interface but the PortRangesSpec feature gate "
            "is not enabled",
        ),
    ),
    "a DHCP option for public use": (
        nic("masquerade: {}, dhcpOptions: {privateOptions: [{option: 223, value: a}]}"),
        (
            f"{NIC}.dhcpOptions.privateOptions[0].option",
            "provided DHCPPrivateOptions are out of range, must be in range 224 to 254",
        ),
    ),
    "a DHCP option given twice": (
        nic(
            "masquerade: {}, dhcpOptions: "
            "{privateOptions: [{option: 240, value: a}, {option: 240, value: b}]}"
        ),
        (
            f"{NIC}.dhcpOptions.privateOptions",
            "Found Duplicates: you have provided duplicate DHCPPrivateOptions",
        ),
    ),
    "a time server by name": (
        nic("masquerade: {}, dhcpOptions: {ntpServers: [127.0.0.1, ntp.example.com]}"),
        (
            f"{NIC}.dhcpOptions.ntpServers[1]",
            "NTP servers must be a list of valid IPv4 addresses.",
        ),
    ),
    "a network of two types": (
        "networks: [{name: default, pod: {}, multus: {networkName: n}}]",
        ("spec.networks[0]", "should have only one network type"),
    ),
    "two default networks": (
        "{domain: {devices: {interfaces: [{name: a, bridge: {}}, {name: b, bridge: {}}]}}, "
        "networks: [{name: a, multus: {networkName: a, default: true}},"
        " {name: b, multus: {networkName: b, default: true}}]}",
        ("spec.networks", "Multus CNI should only have one default network"),
    ),
    "a pod network beside another default": (
        "{domain: {devices: {interfaces: [{name: a, masquerade: {}}, {name: b, bridge: {}}]}}, "
        "networks: [{name: a, pod: {}}, {name: b, multus: {networkName: b, default: true}}]}",
        (
            "spec.networks",
            "Pod network cannot be defined when Multus default network is defined",
        ),
    ),
    "a guest network without room": (
        "networks: [{name: default, pod: {vmNetworkCIDR: 10.0.2.0/31}}]",
        (
            "spec.networks[0].pod.vmNetworkCIDR",
            "spec.networks[0].pod.vmNetworkCIDR '10.0.2.0/31' must be an IPv4 network "
            "of at least 4 addresses",
        ),
    ),
    "an IPv4 network for IPv6": (
        "networks: [{name: default, pod: {vmIPv6NetworkCIDR: 10.0.2.0/24}}]",
        (
            "spec.networks[0].pod.vmIPv6NetworkCIDR",
            "spec.networks[0].pod.vmIPv6NetworkCIDR '10.0.2.0/24' must be an IPv6 network "
            "of at least 4 addresses",
        ),
    ),
    "a claimed network without its gate": (
        "{domain: {devices: {interfaces: [{name: default, sriov: {}}]}}, "
        "networks: [{name: default, resourceClaim: {claimName: c, requestName: r}}]}",
        ("spec.networks", "NetworkDevicesWithDRA feature gate is not enabled in kubevirt-config"),
    ),
}

ACCEPTED = {
    "a MAC address with dashes": nic("masquerade: {}, macAddress: DE-AD-00-00-BE-AF"),
    "a link that is down": nic("masquerade: {}, state: down"),
    "passt": nic("passtBinding: {}"),
    "a plugin": on_multus("binding: {name: mine}"),
    "one port by two protocols": nic(
        "masquerade: {}, ports: [{port: 53}, {port: 53, protocol: UDP}]"
    ),
    "a PCI address": nic("masquerade: {}, pciAddress: '0000:81:01.0'"),
    "guest networks of one's own": (
        "networks: [{name: default, pod: "
        "{vmNetworkCIDR: 192.168.7.0/24, vmIPv6NetworkCIDR: 'fd10:0:7::/120'}}]"
    ),
    "no network at all": (
        "{domain: {devices: {interfaces: null, autoattachPodInterface: false}}, networks: null}"
    ),
}


@pytest.mark.parametrize(("changes", "complaint"), REFUSED.values(), ids=REFUSED)
def test_refused(complaints: Complaints, changes: str, complaint: tuple[str, str]) -> None:
    assert complaints(changes) == [complaint]


@pytest.mark.parametrize("changes", ACCEPTED.values(), ids=ACCEPTED)
def test_accepted(complaints: Complaints, changes: str) -> None:
    assert complaints(changes) == []


def test_a_network_has_one_name_and_one_interface(complaints: Complaints) -> None:
    changes = (
        "{domain: {devices: {interfaces: [{name: a b, bridge: {}}, {name: a b, bridge: {}}]}}, "
        "networks: [{name: a b, multus: {networkName: n}}, {name: a b, multus: {networkName: m}}]}"
    )
    characters = (
        "Network interface name can only contain alphabetical characters, numbers, dashes (-) "
        "or underscores (_)"
    )
    name = "spec.domain.devices.interfaces[{}].name"
    assert complaints(changes) == [
        (
            "spec.networks[1].name",
            'Network with name "a b" already exists, every network must have a unique name',
        ),
        (name.format(0), characters),
        (name.format(1), "Only one interface can be connected to one specific network"),
        (name.format(1), characters),
    ]


def test_ranges_of_ports_behind_their_gate(complaints: Complaints) -> None:
    changes = nic(
        "bridge: {}, ports: [{port: 22}], portRanges: [{start: 0, end: 70000, protocol: SCTP}, "
        "{start: 90, end: 80}, {start: 100, end: 200}, {start: 150, end: 160, protocol: TCP}]"
    )
    ranges = f"{NIC}.portRanges"
    assert complaints(changes, "PortRangesSpec") == [
        (f"{NIC}.name", "Cannot define both ports and portRanges on interface"),
        (f"{NIC}.name", "portRanges are only supported on masquerade interfaces"),
        (f"{ranges}[0].protocol", "Unknown protocol, only TCP or UDP allowed"),
        (f"{ranges}[0].start", "Start must be a valid port number, 0 < x < 65536"),
        (f"{ranges}[0].end", "End must be a valid port number, 0 < x < 65536"),
        (f"{ranges}[1].start", "Start must be less than or equal to end"),
        (ranges, "TCP portRanges [100-200] and [150-160] overlap"),
    ]
    many = nic(f"masquerade: {{}}, portRanges: [{', '.join(['{start: 1, end: 2}'] * 11)}]")
    assert complaints(many, "PortRangesSpec") == [(ranges, f"{ranges} must have at most 10 items")]


def test_claimed_networks_behind_their_gate(complaints: Complaints) -> None:
    changes = (
        "{domain: {devices: {interfaces: "
        "[{name: a, bridge: {}}, {name: b, sriov: {}}, {name: c, bridge: {}}, "
        "{name: d, sriov: {}}]}}, "
        "resourceClaims: [{name: known}], networks: ["
        "{name: a, resourceClaim: {claimName: unknown}}, "
        "{name: b, resourceClaim: {claimName: known, requestName: r}}, "
        "{name: c, multus: {networkName: n}}, "
        "{name: d, resourceClaim: {claimName: known, requestName: r}}]}"
    )
    assert complaints(changes, "NetworkDevicesWithDRA") == [
        (
            "spec.domain.devices.interfaces",
            'DRA network "a" requires an SR-IOV interface binding',
        ),
        (
            "spec.networks[0].resourceClaim.claimName",
            'network references resourceClaim "unknown" '
            "which is not defined in spec.resourceClaims",
        ),
        (
            "spec.networks[0].resourceClaim.requestName",
            "requestName is required for DRA network",
        ),
        ("spec.networks[3]", 'duplicate claimName/requestName combination "known/r"'),
        (
            "spec.networks",
            "mixing Multus and DRA resourceClaim networks in the same VMI is not supported",
        ),
    ]


def test_a_beta_gate_can_be_closed(make_vmi: Callable[..., VirtualMachineInstance]) -> None:
    config = ClusterConfig(disabled_feature_gates=frozenset({"PasstBinding"}))
    found = validate(make_vmi(nic("passtBinding: {}")), config)
    assert [violation.message for violation in found] == [
        "PasstBinding feature gate is not enabled"
    ]
