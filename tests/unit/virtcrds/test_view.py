"""Views: a VMI without pydantic, for whoever has no time to build the models."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from virtcrds import InvalidObject, Quantity
from virtcrds.__main__ import main
from virtcrds.view import CPU, Input, VirtualMachineInstance, reading, vmi_view, writing


def vmi(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstance",
        "metadata": {"name": "vm"},
        "spec": {"domain": {"devices": {}}, **spec},
    }


def test_what_was_written_is_read_by_the_models_names() -> None:
    view = vmi_view(
        vmi(
            domain={
                "memory": {"guest": "1Gi"},
                "devices": {"disks": [{"name": "root", "dedicatedIOThread": True}]},
            }
        )
    )
    (disk,) = view.spec.domain.devices.disks
    assert (disk.name, disk.dedicated_io_thread) == ("root", True)
    assert view.spec.domain.memory is not None
    assert view.spec.domain.memory.guest == Quantity("1024Mi")


def test_what_is_absent_is_what_it_is_in_a_model() -> None:
    view = vmi_view(vmi())
    assert view.metadata.namespace == ""
    assert view.metadata.annotations == {}
    assert view.spec.domain.cpu is None
    assert view.spec.volumes == ()
    assert view.status.vsockcid is None
    assert CPU().sockets == 0
    assert Input(name="a", type="tablet").bus == ""


def test_a_null_is_absent_and_an_unknown_field_is_left_out() -> None:
    assert vmi_view(vmi(hostname=None, colour="red")) == vmi_view(vmi())


def test_a_view_does_not_change() -> None:
    with pytest.raises(AttributeError, match="a VirtualMachineInstanceSpec does not change"):
        setattr(vmi_view(vmi()).spec, "hostname", "x")  # noqa: B010


@pytest.mark.parametrize(
    ("spec", "field", "complaint"),
    [
        ({"domain": []}, "domain", "must be of type object"),
        ({"domain": None}, "domain", "is required"),
        ({"hostname": 1}, "hostname", "must be of type string"),
        (
            {"terminationGracePeriodSeconds": True},
            "terminationGracePeriodSeconds",
            "of type integer",
        ),
        ({"volumes": {}}, "volumes", "must be of type array"),
        ({"volumes": [{"name": "a"}, {}]}, "volumes[1].name", "is required"),
        ({"nodeSelector": {"a": 1}}, "nodeSelector.a", "must be of type string"),
        (
            {"volumes": [{"name": "a", "emptyDisk": {"capacity": "x"}}]},
            "volumes[0].emptyDisk.capacity",
            "is invalid: quantities must",
        ),
    ],
)
def test_a_wrong_type_is_named(spec: dict[str, Any], field: str, complaint: str) -> None:
    with pytest.raises(InvalidObject) as refused:
        vmi_view(vmi(**spec))
    (violation,) = refused.value.violations
    assert violation.field == f"spec.{field}"
    assert violation.message.startswith(f"spec.{field} in body ")
    assert complaint in violation.message


@pytest.mark.parametrize("tree", [None, [], "vm", {}, {**vmi(), "kind": "VirtualMachine"}])
def test_anything_else_is_refused(tree: object) -> None:
    with pytest.raises(InvalidObject):
        vmi_view(tree)


def test_there_is_no_view_of_what_no_vmi_has() -> None:
    with pytest.raises(ImportError):
        exec("from virtcrds.view import VirtualMachinePool")
    assert VirtualMachineInstance.__name__ == "VirtualMachineInstance"


def test_the_shapes_are_those_of_the_models() -> None:
    assert reading.SHAPES.read_text() == writing.shapes_text(), "run `python -m virtcrds`"
    assert main(["--check"]) == 0


def test_a_view_needs_no_pydantic() -> None:
    program = (
        "import sys, virtcrds.view as v; v.vmi_view({'kind': 'VirtualMachineInstance', "
        "'spec': {'domain': {'devices': {}}}}); print('pydantic' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert ran.stdout == "False\n"
