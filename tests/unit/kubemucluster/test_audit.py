"""The audit log is read as a list of writes."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

from kubemucluster.audit import Write, writes

NOON = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
CONTROLLER = "system:serviceaccount:kubevirt:virt-controller"


def an_event(user: str = CONTROLLER, verb: str = "patch", **changes: Any) -> dict[str, Any]:
    target = {
        "apiGroup": "kubevirt.io",
        "resource": "virtualmachineinstances",
        "namespace": "n",
        "name": "a",
        **changes.pop("target", {}),
    }
    return {
        "stage": "ResponseComplete",
        "verb": verb,
        "user": {"username": user},
        "objectRef": target,
        "responseStatus": {"code": 200},
        "stageTimestamp": "2026-01-01T12:00:01.500000Z",
        **changes,
    }


def a_log(folder: Path, *events: dict[str, Any], name: str = "audit.log") -> Path:
    log = folder / name
    log.write_text("".join(json.dumps(event) + "\n" for event in events))
    return log


A_WRITE = Write(
    time=NOON + datetime.timedelta(seconds=1.5),
    user=CONTROLLER,
    verb="patch",
    group="kubevirt.io",
    resource="virtualmachineinstances",
    subresource="",
    namespace="n",
    name="a",
    code=200,
)


def test_a_write_is_read_whole(tmp_path: Path) -> None:
    assert writes(a_log(tmp_path, an_event()), NOON) == [A_WRITE]


def test_what_writes_nothing_is_left_out(tmp_path: Path) -> None:
    review = {"apiGroup": "authorization.k8s.io", "resource": "subjectaccessreviews"}
    log = a_log(
        tmp_path,
        an_event(verb="get"),
        an_event(stage="ResponseStarted"),
        an_event(verb="create", target=review),
        an_event(stageTimestamp="2026-01-01T11:59:59Z"),
        an_event(user="system:node:node-a"),
    )
    assert writes(log, NOON, "system:serviceaccount:kubevirt:") == []


def test_rotated_logs_come_first_and_a_line_in_writing_waits(tmp_path: Path) -> None:
    old = an_event(target={"name": "old"})
    a_log(tmp_path, old, name="audit-2026-01-01T11-00-00.000.log")
    log = a_log(tmp_path, an_event())
    with log.open("a") as handle:
        handle.write('{"stage": "Resp')
    assert [write.name for write in writes(log, NOON)] == ["old", "a"]
