"""Catalogues of messages: only translations change, every placeholder is kept or told, and msgfmt finds no fault."""

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polib
from polygist_client import Client, PolygistError

from bench.fidelity.documents.calls import OTHER
from bench.fidelity.documents.catalogues import Catalogue, make_catalogues
from bench.fidelity.kinds import Case, Kind, Requirement
from bench.quality.sets import DataFolder

CATALOGUES = 40
# What the translation of a catalogue has to say of itself.
CHANGED_FIELDS = ("Language", "Plural-Forms", "Content-Type")
LOST = "placeholder-lost"
TURN = re.compile(r"%\d+\$")
MSGFMT = shutil.which("msgfmt")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A catalogue, and what came of it.

    Attributes:
        catalogue: the catalogue.
        written: its translation; empty where there is none.
        warnings: codes of what was told.
        error: instead of it.
    """

    catalogue: Catalogue
    written: bytes = b""
    warnings: Sequence[str] = ()
    error: str = ""

    @property
    def entries(self) -> Sequence[tuple[polib.POEntry, polib.POEntry]]:
        """The entries in use, each with what came of it."""
        before, after = (read(text) for text in (self.catalogue.text, self.written.decode()))
        pairs = zip(before, after, strict=False)
        return [(one, other) for one, other in pairs if not one.obsolete]

    def judge(self) -> Iterator[Case]:
        """Yield a case for each thing that must hold of a catalogue, and one for each message with placeholders."""
        checks = {"outside": self.find_changed, "translations": self.find_missing, "msgfmt -c": self.find_refused}
        for aspect, check in checks.items():
            yield Case(aspect, self.catalogue.name, self.error or "; ".join(check())[:400])
        for (_, entry), placeholders in zip(self.entries, self.catalogue.placeholders, strict=False):
            if placeholders:
                fault = "; ".join(find_lost(entry, placeholders))
                yield Case("placeholders", entry.msgid, fault, entry.fuzzy and LOST in self.warnings)

    def find_changed(self) -> Iterator[str]:
        """Yield what has changed outside of translations."""
        before, after = (read(text) for text in (self.catalogue.text, self.written.decode()))
        if len(before) != len(after) or before.header != after.header:
            yield f"{len(before)} entries are {len(after)}, or the head is another"
        fields = [{name: file.metadata.get(name) for name in file.metadata} for file in (before, after)]
        if without(fields[0], CHANGED_FIELDS) != without(fields[1], CHANGED_FIELDS):
            yield f"header: {fields}"
        for one, other in zip(before, after, strict=False):
            if outside(one) != outside(other):
                yield f"{outside(one)} is {outside(other)}"
        if kept_lines(self.catalogue.text) != kept_lines(self.written.decode()):
            yield "lines are others"

    def find_missing(self) -> Iterator[str]:
        """Yield messages whose translation is missing or was not to be touched."""
        for one, other in self.entries:
            if one.translated() and one.msgstr != other.msgstr:
                yield f"touched: {one.msgid}"
            if not all([*other.msgstr_plural.values()] or [other.msgstr]):
                yield f"missing: {one.msgid}"

    def find_refused(self) -> Iterator[str]:
        """Yield what gettext itself finds wrong."""
        if MSGFMT:
            command = [MSGFMT, "--check", "--output-file=/dev/null", "-"]
            done = subprocess.run(command, input=self.written, capture_output=True, check=False)
            if done.returncode:
                yield done.stderr.decode()


def measure(client: Client, data: DataFolder | None) -> Kind:
    """Translate each catalogue and compare it with what came."""
    outcomes = [translate(client, catalogue) for catalogue in make_catalogues(data, CATALOGUES)] if data else []
    cases = [case for outcome in outcomes for case in outcome.judge()]
    if not cases:
        return Kind("Catalogues", cases, target=1.0, notes=("Without DATA there are none.",))
    found = [each for each in cases if each.group != "placeholders"]
    fuzzy = [other.fuzzy for outcome in outcomes for _, other in outcome.entries]
    notes = [f"{len(fuzzy)} messages, of which {sum(fuzzy)} are marked as fuzzy."]
    if not MSGFMT:
        notes.append("Without msgfmt, of Debian's gettext, nothing is known of what it finds.")
    whole = Requirement("All files are right outside placeholders", not any(case.fault for case in found))
    return Kind("Catalogues", cases, target=0.995, allows_silence=False, notes=tuple(notes), further=(whole,))


def translate(client: Client, catalogue: Catalogue) -> Outcome:
    """Translate a catalogue to the other language."""
    try:
        answer = client.translate_document(
            catalogue.text.encode(), to=OTHER[catalogue.language], source=catalogue.language, name="messages.po"
        )
    except PolygistError as error:
        return Outcome(catalogue, error=str(error))
    return Outcome(catalogue, answer.document, [each.code for each in answer.warnings])


def read(text: str) -> polib.POFile:
    """Read a catalogue; what begins with a comment is no path."""
    return polib.pofile(text)


def without(fields: dict[str, str | None], names: Sequence[str]) -> dict[str, str | None]:
    """Return fields of a header without some."""
    return {name: value for name, value in fields.items() if name not in names}


def outside(entry: polib.POEntry) -> tuple[object, ...]:
    """Return all that an entry has beside its translation."""
    flags = [flag for flag in entry.flags if flag != "fuzzy"]
    texts = (entry.msgctxt, entry.msgid, entry.msgid_plural, entry.comment, entry.tcomment)
    return (*texts, entry.occurrences, flags, entry.obsolete, *([entry.msgstr] if entry.obsolete else []))


def kept_lines(text: str) -> list[str]:
    """Return the lines that are of no translation, flag or former words, behind the header."""
    body = re.split(r"\r?\n\r?\n", text, maxsplit=1)[-1]
    body = re.sub(r'(?m)^msgstr(?:\[\d\])? ".*\n(?:".*\n)*', "", body)
    return [line for line in body.split("\n") if not re.match(r"#[,|]", line)]


def find_lost(entry: polib.POEntry, placeholders: Sequence[str]) -> Iterator[str]:
    """Yield the placeholders that a translation has too few or too many of; numbers that were given are not counted."""
    wanted = Counter(placeholders)
    for form in [*entry.msgstr_plural.values()] or [entry.msgstr]:
        text = form if any(TURN.match(each) for each in placeholders) else TURN.sub("%", form)
        for placeholder, count in wanted.items():
            found = len(re.findall(rf"{re.escape(placeholder)}(?![A-Za-z0-9_])", text))
            if found != count:
                yield f"{placeholder} {found} times: {form!r}"
