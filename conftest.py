"""What holds for every test in this repository, those in the browser included."""

from __future__ import annotations

import pytest
from hypothesis import settings

# `make test` tries the same examples every time: what it says depends on the code alone. No example is timed, because
# machines are noisy. `make torture` asks for the other profile and explores: new examples, and many more of them.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("exploring", max_examples=3_000, deadline=None, print_blob=True)
settings.load_profile("steady")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A test that did not run proves nothing: a skipped or expected failure fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or session.exitstatus != pytest.ExitCode.OK:
        return
    if any(reporter.stats.get(outcome) for outcome in ("skipped", "xfailed", "xpassed")):
        reporter.write_line("A test was skipped, and nothing may be skipped here.", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
