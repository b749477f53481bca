"""What becomes of a run when some of its parts fail."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import click

from polygist_client.cli.errors import FAILURES, HOPELESS, PARTIAL, exit_code_of
from polygist_client.cli.session import Session


@dataclass(slots=True)
class Tally:
    """Counts and reports; one part that fails does not stop the others.

    Attributes:
        session: says what has failed.
        total: how many parts there are.
    """

    session: Session
    total: int
    done: int = 0
    failed: list[BaseException] = field(default_factory=list)

    @contextmanager
    def attempt(self, name: str) -> Iterator[None]:
        """One part; where it is the only one, its error goes on to the caller."""
        try:
            yield
        except BrokenPipeError:
            raise
        except FAILURES as error:
            if self.total == 1:
                raise
            self.session.complain(error, name)
            self.failed.append(error)
        else:
            self.done += 1

    @property
    def is_hopeless(self) -> bool:
        """Whether what is left would fail in the same way; says how much that is."""
        hopeless = bool(self.failed) and isinstance(self.failed[-1], HOPELESS)
        left = self.total - self.done - len(self.failed)
        if hopeless and left:
            self.session.note(f"{left} more not tried")
        return hopeless

    def finish(self) -> int:
        """0, or 3 where some failed; raises Exit with the code of the first failure where nothing was done."""
        if self.failed and not self.done:
            raise click.exceptions.Exit(exit_code_of(self.failed[0]))
        return PARTIAL if self.failed else 0
