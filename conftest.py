"""What holds for every test in this repository, those in the browser included."""

from __future__ import annotations

import pytest


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A test that did not run proves nothing: a skipped or expected failure fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or session.exitstatus != pytest.ExitCode.OK:
        return
    if any(reporter.stats.get(outcome) for outcome in ("skipped", "xfailed", "xpassed")):
        reporter.write_line("A test was skipped, and nothing may be skipped here.", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
