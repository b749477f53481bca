"""Collects the figures of the tests, and prints them at the end where there are some."""

import pytest

from tests.chaos.figures import Figures, format_table

ROWS = pytest.StashKey[list[Figures]]()


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Figures:
    """The row of this test."""
    row = Figures(request.node.name.removeprefix("test_"))
    request.config.stash.setdefault(ROWS, []).append(row)
    return row


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table, where long tests have run: the others are many and say little."""
    rows = config.stash.get(ROWS, [])
    if rows and "not chaos" not in (config.option.markexpr or ""):
        terminalreporter.section("what was done, and what was lost")
        for line in format_table(rows):
            terminalreporter.write_line(line)
