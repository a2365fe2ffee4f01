"""A daemon is found again by what the kernel knows of it, and never mistaken for another."""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubemucluster.errors import StepFailed
from kubemucluster.processes import Daemon, Owner, observe_process


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[Owner]:
    found = Owner(records=tmp_path / "run", logs=tmp_path / "logs")
    yield found
    found.stop_all()


SLEEPER = Daemon(name="sleeper", argv=("/bin/sleep", "1000"))


def test_a_daemon_is_started_once_and_stopped(owner: Owner) -> None:
    process = owner.start(SLEEPER)
    assert owner.start(SLEEPER) == process == owner.find("sleeper")
    assert owner.marked() == [process]
    age = datetime.datetime.now(datetime.UTC) - process.started
    assert abs(age) < datetime.timedelta(minutes=1)
    owner.stop(SLEEPER)
    assert owner.find("sleeper") is None
    assert owner.marked() == []


@pytest.mark.parametrize(
    "change", [{"boot": "another"}, {"start": 1}, {"comm": "other"}], ids=lambda c: next(iter(c))
)
def test_a_record_of_another_process_names_none(owner: Owner, change: dict[str, object]) -> None:
    myself = observe_process(os.getpid())
    assert myself
    owner.records.mkdir()
    record = dataclasses.asdict(myself) | change
    (owner.records / "etcd.json").write_text(json.dumps(record))
    assert owner.find("etcd") is None


def test_a_record_that_was_half_written_names_none(owner: Owner) -> None:
    owner.records.mkdir()
    (owner.records / "etcd.json").write_text('{"pid": ')
    assert owner.find("etcd") is None


def test_a_daemon_whose_record_was_lost_is_not_started_beside_itself(owner: Owner) -> None:
    lost = owner.start(SLEEPER)
    (owner.records / "sleeper.json").unlink()
    found = owner.start(SLEEPER)
    assert not lost.alive
    assert owner.marked() == [found]


def test_a_daemon_that_does_not_start_is_told_with_what_it_said(owner: Owner) -> None:
    with pytest.raises(StepFailed, match=r"broken did not start\.") as caught:
        owner.start(
            Daemon(name="broken", argv=("/bin/sleep", "x"), enter=("/bin/sh", "-c", "ls /x", ""))
        )
    assert "/x" in caught.value.log
