"""The status of the KubeVirt object."""

from __future__ import annotations

import datetime

from virtoperator.conditions import is_true
from virtoperator.installation import status_of

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def test_status_of_an_installation_and_no_news_the_second_time() -> None:
    kubevirt = {"metadata": {"name": "kubevirt", "generation": 3}, "spec": {}}
    status = status_of(kubevirt, "registry:5000/kubemu/launcher:devel", NOW)
    assert (status["phase"], status["observedGeneration"]) == ("Deployed", 3)
    assert status["observedKubeVirtRegistry"] == "registry:5000/kubemu"
    assert is_true(status["conditions"], "Available")
    later = NOW + datetime.timedelta(hours=1)
    assert (
        status_of({**kubevirt, "status": status}, "registry:5000/kubemu/launcher:x", later)
        == status
    )
