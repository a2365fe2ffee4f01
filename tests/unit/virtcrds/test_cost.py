"""Who needs one kind does not pay for the others: every VM start imports the models."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
from virtcrds import VirtualMachineInstance
VirtualMachineInstance.from_json({"spec": {"domain": {"devices": {"disks": [{"name": "a"}]}}}})
from virtcrds.core.disks import Disk, DiskTarget
from virtcrds.core.vmi_status import VirtualMachineInstanceStatus
print(
    "virtcrds.core.vm" in sys.modules,
    *(kind.__pydantic_complete__ for kind in (Disk, DiskTarget, VirtualMachineInstanceStatus)),
)
"""


def test_reading_a_vmi_builds_only_the_models_that_it_uses() -> None:
    command = [sys.executable, "-c", PROGRAM]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    assert ran.stdout.split() == ["False", "True", "False", "False"]
