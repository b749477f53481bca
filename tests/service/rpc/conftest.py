import pytest
import structlog


@pytest.fixture
def log():
    """The lines of the log, with what is bound to their call."""
    lines, before = [], structlog.get_config()

    def keep(logger, name, line):
        lines.append(line)
        raise structlog.DropEvent

    structlog.configure(processors=[structlog.contextvars.merge_contextvars, keep])
    yield lines
    structlog.configure(**before)
