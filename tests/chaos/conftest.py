"""Collects the figures of the tests, and prints them at the end where trials are run."""

from collections.abc import Iterator
from dataclasses import asdict

import pytest

from tests.chaos.figures import Figures, Table

TABLE = Table()
PROPERTY = "figures"


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Iterator[Figures]:
    """What this test has done and seen."""
    seen = Figures()
    yield seen
    request.node.user_properties.append((PROPERTY, asdict(seen)))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Count a test, and add what it has seen."""
    if report.when == "call" or report.outcome != "passed":
        TABLE.count(report.nodeid, report.outcome)
    if report.when == "teardown":
        for name, value in report.user_properties:
            if name == PROPERTY:
                TABLE.add(report.nodeid, value)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table, where long tests have run: the others are many and say little."""
    if "not chaos" not in (config.option.markexpr or ""):
        terminalreporter.section("what was tried, and what was lost")
        for line in TABLE.lines():
            terminalreporter.write_line(line)
