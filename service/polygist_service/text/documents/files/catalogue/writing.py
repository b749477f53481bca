"""A catalogue of messages written again: what is translated anew, and every other line as it was."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from polygist_service.text.documents.files.catalogue.entries import (
    FUZZY,
    STRING,
    WRITTEN,
    Entry,
    breaks_lines,
    cut_lines,
    read_flags,
    read_string,
    write_string,
)

NEW_HEADER = {
    "MIME-Version": "1.0", "Content-Type": "text/plain; charset=UTF-8", "Content-Transfer-Encoding": "8bit",
}  # fmt: skip


class CatalogueWriter:
    """Writes lines of a catalogue anew.

    Args:
        lines: of the catalogue.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = list(lines)
        self._ending = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
        self._wraps = breaks_lines(lines)

    @property
    def text(self) -> str:
        """The catalogue as it is now."""
        return "".join(self._lines)

    def translate(self, entry: Entry, count: int, forms: Mapping[int, str], *, is_fuzzy: bool) -> None:
        """Write translations of an entry.

        Args:
            entry: the entry.
            count: how many forms it has then.
            forms: those that are new.
            is_fuzzy: whether they have to be looked at; if not, the entry has no former words any more.
        """
        written = []
        for number in range(count):
            keyword = "msgstr" if entry.plural is None else f"msgstr[{number}]"
            if number in forms:
                written.append(write_string(keyword, forms[number], ending=self._ending, wraps=self._wraps))
            else:
                form = entry.forms[number]
                written += self._lines[form.start : form.end]
        self._replace(entry.forms[0].start, entry.forms[-1].end, "".join(written))
        self._flag(entry, is_fuzzy)
        if not is_fuzzy:
            for number in entry.previous_lines:
                self._lines[number] = ""

    def _replace(self, start: int, end: int, text: str) -> None:
        """Put a text in the place of some lines."""
        if not self._lines[end - 1].endswith("\n"):
            text = text.removesuffix(self._ending)
        self._lines[start:end] = [text, *[""] * (end - start - 1)]

    def _flag(self, entry: Entry, is_fuzzy: bool) -> None:
        """Say of an entry that it is fuzzy, or that it is not any more."""
        if is_fuzzy == entry.is_fuzzy:
            return
        if is_fuzzy and not entry.flag_lines:
            at = min([entry.start, *entry.previous_lines])
            self._lines[at] = f"#, {FUZZY}{self._ending}{self._lines[at]}"
        for number in entry.flag_lines:
            line = self._lines[number]
            sign, flags = line.lstrip()[:2], read_flags(line.lstrip()[2:])
            if is_fuzzy:
                flags.insert(0, FUZZY)
            elif FUZZY not in flags:
                continue
            else:
                flags = [flag for flag in flags if flag != FUZZY]
            self._lines[number] = f"{sign} {', '.join(flags)}{self._ending}" if flags else ""
            if is_fuzzy:
                return

    def head(self, header: Entry | None, fields: Mapping[str, str]) -> None:
        """Set fields of the header, which is no guess any more; a catalogue without one gets one."""
        if header is None:
            start = "".join(f"{line}{self._ending}" for line in ('msgid ""', 'msgstr ""'))
            lines = "".join(self._field_line(*each) for each in {**NEW_HEADER, **fields}.items())
            self._lines[0] = f"{start}{lines}{self._ending}{self._lines[0]}"
            return
        form = header.forms[0]
        rows = [Row.read(line) for line in self._lines[form.start : form.end]]
        if any("\n" in row.text[:-1] for row in rows):
            texts = cut_lines("".join(row.text for row in rows))
            rows = [Row("", f'msgstr ""{self._ending}'), *(Row(text, self._line(text)) for text in texts)]
        for name, value in fields.items():
            set_field(rows, name, Row(f"{name}: {value}\n", self._field_line(name, value)))
        self._replace(form.start, form.end, "".join(row.line for row in rows))
        self._flag(header, is_fuzzy=False)

    def _field_line(self, name: str, value: str) -> str:
        """Return the line of a field of the header."""
        return self._line(f"{name}: {value}\n")

    def _line(self, text: str) -> str:
        """Return the line of a string that goes on."""
        return f'"{text.translate(WRITTEN)}"{self._ending}'


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the header's string, and what it says."""

    text: str
    line: str

    @classmethod
    def read(cls, line: str) -> "Row":
        """Read a line of a catalogue that was read before."""
        found = STRING.fullmatch(line)
        return cls(read_string(found["text"], 0) if found else "", line)


def set_field(rows: list[Row], name: str, row: Row) -> None:
    """Put a row in the place of those of a field; where there are none, at the end."""
    begins = [at for at, each in enumerate(rows) if at == 0 or rows[at - 1].text.endswith("\n") or at == 1]
    start = next((at for at in begins if rows[at].text.lower().startswith(f"{name.lower()}:")), len(rows))
    end = next((at + 1 for at in range(start, len(rows)) if rows[at].text.endswith("\n")), len(rows))
    if start == 0 and end:
        row = replace(row, line=f"msgstr {row.line}")
    if start == len(rows) and rows[-1].text and not rows[-1].text.endswith("\n"):
        # What was its last line goes on now.
        rows[-1] = Row(f"{rows[-1].text}\n", rows[-1].line[: rows[-1].line.rindex('"')] + '\\n"\n')
    rows[start:end] = [row]
