"""Names of the pod: its own, its host name, and the label that services select."""

from __future__ import annotations

import hashlib
import re

from virtcrds import VirtualMachineInstance

_LONGEST_NAME = 253
_LONGEST_LABEL = 63
_PREFIX = "virt-launcher-"


def pod_name(vmi_name: str, vmi_uid: str, attempt: str = "") -> str:
    """The same name for the same VMI, whoever believes to lead: the second create is refused.

    `attempt` tells a further pod from the first: the UID of a migration.
    """
    digest = hashlib.sha256(f"{vmi_uid}/{attempt}".encode()).hexdigest()[:5]
    room = _LONGEST_NAME - len(_PREFIX) - len(digest) - 1
    return f"{_PREFIX}{vmi_name[:room].rstrip('-.')}-{digest}"


def host_name(vmi: VirtualMachineInstance) -> str:
    """The guest's host name as a DNS label: `spec.hostname` or the VMI's name, to the first dot."""
    name = vmi.spec.hostname or vmi.metadata.name
    label = re.sub("[^a-z0-9-]", "", name.partition(".")[0].lower())
    return label[:_LONGEST_LABEL].strip("-")


def vmi_id(name: str) -> str:
    """The VMI's name as a label's value: cut and told apart by a hash when it is too long."""
    if len(name) <= _LONGEST_LABEL:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:10]
    return f"{name[: _LONGEST_LABEL - 11].rstrip('-.')}-{digest}"
