"""The glossaries that the operator has mounted: files of terms in one folder, by name."""

import asyncio
import re
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from threading import Lock

from polygist_service.errors import GlossaryError, InvalidRequest, UnknownGlossary
from polygist_service.text.languages import name_few, serving
from polygist_service.translation.terms.index import TermIndex
from polygist_service.translation.terms.tables import COMMA_SEPARATED, TAB_SEPARATED, Table, read_table

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
# Of each glossary so many indices are kept: for pairs of languages, with and without regard to case.
MOST_INDICES = 8


class Glossary:
    """A glossary: one revision of one file.

    Args:
        name: of the file, without its ending.
        table: what is in it.
    """

    def __init__(self, name: str, table: Table) -> None:
        self.name = name
        self._table = table
        self._indices: OrderedDict[tuple[str, str, str, bool], TermIndex] = OrderedDict()
        self._building = Lock()

    @property
    def languages(self) -> tuple[str, ...]:
        """Canonical tags of the languages that it has terms in, in the order of its columns."""
        return self._table.languages

    @property
    def entry_count(self) -> int:
        """How many terms it has."""
        return len(self._table.rows)

    @property
    def revision(self) -> str:
        """A digest of the file."""
        return self._table.revision

    def serves(self, source: str, target: str) -> bool:
        """Whether it has columns for a pair of languages, whose regions are matched as those of models are."""
        return self._find_columns(source, target) is not None

    def check_pair(self, source: str, target: str) -> None:
        """Raise InvalidRequest where it does not serve a pair."""
        if not self.serves(source, target):
            known = name_few(self.languages, most=len(self.languages))
            raise InvalidRequest(
                "glossary_config.glossary",
                f"{self.name} has no terms for {source} to {target}, its languages are {known}; "
                "leave it out, or name one that has both",
            )

    def index(self, source: str, target: str, *, ignore_case: bool) -> TermIndex | None:
        """Return what finds its terms in texts of `source`, with their translations; None where it has no such pair.

        An index is built once. That takes a second for 100,000 terms, so it is for a thread.
        """
        columns = self._find_columns(source, target)
        if not columns:
            return None
        key = (*columns, source, ignore_case)
        with self._building:
            if key not in self._indices:
                here, there = map(self.languages.index, columns)
                terms = ((row[here], row[there]) for row in self._table.rows if row[here] and row[there])
                self._indices[key] = TermIndex(terms, language=source, ignore_case=ignore_case)
            self._indices.move_to_end(key)
            while len(self._indices) > MOST_INDICES:
                self._indices.popitem(last=False)
            return self._indices[key]

    def _find_columns(self, source: str, target: str) -> tuple[str, str] | None:
        here, there = serving(source, self.languages), serving(target, self.languages)
        return (here, there) if here and there and here != there else None


class Glossaries:
    """The glossaries of a folder, as they were when it was read last.

    Args:
        folder: where their files are; None for none.
        repeated: is told of a new file in which rows begin with the same term: with one, and its line.
    """

    def __init__(
        self, folder: Path | None = None, *, repeated: Callable[[Path, str, int], None] = lambda path, term, line: None
    ) -> None:
        self._folder = folder
        self._repeated = repeated
        self._known: Mapping[str, Glossary] = {}

    @property
    def is_mounted(self) -> bool:
        """Whether there is a folder."""
        return self._folder is not None

    def all(self) -> tuple[Glossary, ...]:
        """Return all glossaries, in the order of their names."""
        return tuple(self._known[name] for name in sorted(self._known))

    def find(self, name: str) -> Glossary:
        """Return a glossary by its name; raises UnknownGlossary."""
        if found := self._known.get(name):
            return found
        near = get_close_matches(name, self._known, n=1)
        if near:
            cure = f"did you mean glossaries/{near[0]}?"
        elif self._known:
            cure = f"this server has: {name_few(self._known)}"
        else:
            cure = "this server has none; its operator mounts them with --glossaries"
        raise UnknownGlossary(f"glossaries/{name}", f"no glossary {name!r}; {cure}")

    def load(self) -> None:
        """Read all files.

        Raises:
            GlossaryError: some cannot be read; tells of each.
        """
        problems = self._read()
        if problems:
            raise GlossaryError("; ".join(problems))

    async def reload(self) -> tuple[str, ...]:
        """Read the files that have changed; return the names of the glossaries that are new, others now, or gone.

        Raises:
            GlossaryError: some cannot be read; these are as they were, all others as they are now.
        """
        before = self._known
        problems = await asyncio.to_thread(self._read)
        if problems:
            raise GlossaryError("; ".join(problems))
        return tuple(sorted(name for name in {*before, *self._known} if before.get(name) is not self._known.get(name)))

    def _read(self) -> list[str]:
        """Read the files that have changed; return what is wrong with some."""
        if self._folder is None:
            return []
        found: dict[str, Glossary] = {}
        problems: list[str] = []
        try:
            paths = list(find_tables(self._folder))
        except OSError as error:
            return [f"glossaries: {self._folder}: {error.strerror}; give a folder with files NAME.tsv or NAME.csv"]
        counts = Counter(path.stem for path in paths)
        for path in paths:
            known = self._known.get(path.stem)
            try:
                if counts[path.stem] > 1:
                    raise GlossaryError(f"{path}: there is another file for glossary {path.stem!r}; remove one of them")
                found[path.stem] = self._read_file(path, known)
            except (GlossaryError, OSError) as error:
                unread = f"{path}: {error.strerror}; give a plain file" if isinstance(error, OSError) else ""
                problems.append(unread or str(error))
                if known:
                    found.setdefault(path.stem, known)
        self._known = found
        return problems

    def _read_file(self, path: Path, known: Glossary | None) -> Glossary:
        """Read a file; return `known` where that is what is in it. Raises what `read_table` does."""
        if not NAME.fullmatch(path.stem):
            raise GlossaryError(
                f"{path}: {path.stem!r} is no name of a glossary; use letters, digits, '.', '_' and '-'"
            )
        table = read_table(path)
        if known and known.revision == table.revision:
            return known
        if table.repeated:
            self._repeated(path, *table.repeated)
        return Glossary(path.stem, table)


def find_tables(folder: Path) -> Iterator[Path]:
    """Yield the files of terms in a folder, in order; raises OSError where it is none."""
    for path in sorted(folder.iterdir()):
        if (
            path.suffix.lower() in (TAB_SEPARATED, COMMA_SEPARATED)
            and not path.name.startswith(".")
            and not path.is_dir()
        ):
            yield path
