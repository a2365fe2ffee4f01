"""The lease that most tests are about."""

from __future__ import annotations

import pytest

from virtlauncher.facts import Lease


@pytest.fixture(scope="session")
def lease() -> Lease:
    return Lease(
        ipv4="10.0.2.2/24",
        ipv4_gateway="10.0.2.1",
        ipv6="fd10:0:2::2/120",
        router_mac="02:00:00:00:00:00",
        nameservers=("10.96.0.10", "fd96::a"),
        domain="sub.default.svc.cluster.local",
        searches=("sub.default.svc.cluster.local", "cluster.local"),
        hostname="vm",
        mtu=1450,
        ntp=("10.9.9.9", "fd99::9"),
        tftp_server="10.8.8.8",
        boot_file="pxelinux.0",
        private_options={"240": "private"},
    )
