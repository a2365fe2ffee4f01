"""Attribute names and JSON names."""

from __future__ import annotations

import pytest

from virtcrds.names import camel


@pytest.mark.parametrize(
    ("attribute", "name"),
    [
        ("name", "name"),
        ("user_data_base64", "userDataBase64"),
        ("dedicated_io_thread", "dedicatedIOThread"),
        ("io_threads_policy", "ioThreadsPolicy"),
        ("vm_ipv6_network_cidr", "vmIPv6NetworkCIDR"),
        ("autoattach_vsock", "autoattachVSOCK"),
        ("completion_timeout_per_gib", "completionTimeoutPerGiB"),
        ("global_", "global"),
    ],
)
def test_attributes_become_camel_case_as_kubevirt_writes_it(attribute: str, name: str) -> None:
    assert camel(attribute) == name
