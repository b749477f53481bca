"""What a run has done and what has failed: one that fails does not stop the others."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import click

from polygist_client.cli.errors import FAILURES, FATAL, PARTIAL, exit_code_of
from polygist_client.cli.journal import Status
from polygist_client.cli.session import Session

# How many of the results have a warning; of other codes it is said "with" and their words.
PHRASES = {
    "segment-hard-split": "with sentences cut",
    "output-limit-reached": "cut off at the output limit",
    "same-language": "in the language already",
    "pivoted": "through another language",
    "placeholder-lost": "with placeholders lost",
    "glossary-term-not-applied": "with glossary terms not applied",
    "length-target-missed": "of another length",
    "method-fallback": "by another method",
    "number-changed": "with numbers changed",
    "untranslated": "left untranslated",
    "markup-degraded": "with tags or marks that may stand elsewhere",
    "no-article": "without an article",
    "experimental-model": "by an experimental model",
}


@dataclass(slots=True)
class Tally:
    """Counts what is done, and reports what fails.

    Attributes:
        session: says what has failed.
        parts: how many parts the run has; where it is one, its error ends the run.
        before: how many more it has whose results were there before.
        begun: how many parts were begun.
        done: how many texts or records have a result.
        blank: how many have nothing to work on.
        warnings: how many results have a warning, by its code.
        failed: how many have none.
        first: the first error.
        last: the last one.
        advice: what to say at the end.
    """

    session: Session
    parts: int
    before: int = 0
    begun: int = 0
    done: int = 0
    blank: int = 0
    warnings: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    first: BaseException | None = None
    last: BaseException | None = None
    advice: list[str] = field(default_factory=list)

    def add(self, status: Status = "done", warnings: Iterable[str] = ()) -> None:
        """Count a result, and the codes of its warnings; what has failed is counted by `fail`."""
        self.blank += status == "blank"
        if status == "done":
            self.done += 1
            self.warnings.update(set(warnings))

    def fail(self, error: BaseException, name: str) -> None:
        """Count what has failed, and report it, the error of several once."""
        if error is not self.last:
            self.session.report_error(error, name)
        self.failed += 1
        self.first = self.first or error
        self.last = error

    @property
    def is_of_one_part(self) -> bool:
        """Whether the error of a part is that of the run."""
        return self.parts + self.before == 1

    @contextmanager
    def attempt(self, name: str) -> Iterator[None]:
        """Attempt a part in the block.

        What concerns all parts goes on to the caller, and so does any error where there is one part only.
        """
        self.begun += 1
        try:
            yield
        except BrokenPipeError:
            raise
        except FAILURES as error:
            if not self.is_of_one_part and not isinstance(error, FATAL):
                self.fail(error, name)
                return
            if left := self.parts - self.begun:
                self.session.note(f"{left} more not tried")
            raise

    def finish(self, *, is_told: bool, is_of_records: bool = False) -> int:
        """Return 0, or 3 where some failed.

        Args:
            is_told: whether it is also said how many results there are.
            is_of_records: whether all that can fail are records: each has its place in the output, so that 3 is said of
                all of them too.

        Raises:
            Exit: no input of a run of whole ones has a result; it has the exit code of the first failure.
        """
        for line in self.advice:
            self.session.note(line)
        if is_told and (self.done or self.failed or self.blank):
            self.session.note(str(self))
        if self.first and not (self.done or self.before or is_of_records):
            raise click.exceptions.Exit(exit_code_of(self.first))
        return PARTIAL if self.failed else 0

    def __str__(self) -> str:
        """Say it in one line: "200 done, 31 with unknown characters, 1 failed"."""
        phrases = [
            f"{count} {PHRASES.get(code) or 'with ' + code.replace('-', ' ')}"
            for code, count in sorted(self.warnings.items(), key=lambda each: (-each[1], each[0]))
        ]
        others = [f"{count} {word}" for word, count in (("blank", self.blank), ("failed", self.failed)) if count]
        return ", ".join([f"{self.done} done", *phrases, *others])
