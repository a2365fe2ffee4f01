"""Rules for every tier: a skipped test is named, and in CI it is a failure."""

from __future__ import annotations

import os

import pytest


def pytest_sessionfinish(session: pytest.Session) -> None:
    """CI runs on a machine that can run every tier: what was skipped there was not tested."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or session.exitstatus != 0:
        return
    skipped = reporter.stats.get("skipped", [])
    for report in skipped:
        reporter.write_line(f"SKIPPED {report.nodeid}: {report.longrepr[2]}")
    if skipped and os.environ.get("CI"):
        reporter.write_line("CI: a skipped test is a failure", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
