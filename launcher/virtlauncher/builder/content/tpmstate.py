"""The folder in which the emulated TPM keeps its state."""

from __future__ import annotations

import shutil
from pathlib import Path

from ...errors import Refused
from .job import Job
from .place import Place

_FIELD = "spec.domain.devices.tpm"


def tpm_folder(job: Job) -> str:
    """A private folder, in `state_dir` when it must outlive the VM; '' without a TPM."""
    tpm = job.vmi.spec.domain.devices.tpm
    if tpm is None or tpm.enabled is False:
        return ""
    if tpm.persistent and not job.facts.state_dir:
        raise Refused(
            "a persistent TPM needs a place that outlives the VM", field=f"{_FIELD}.persistent"
        )
    folder = Path(job.facts.state_dir if tpm.persistent else job.facts.run_dir) / "tpm"
    try:
        if not tpm.persistent and folder.exists():
            shutil.rmtree(folder)  # of a start that was cut off
        if not folder.exists():
            folder.mkdir(mode=0o700)
            job.holdings.on_undo(lambda: shutil.rmtree(folder))
    except OSError as error:
        place = Place(field=_FIELD, subject="tpm")
        raise place.failed(f"{folder} cannot be made", error) from error
    return str(folder)
