import pytest

from bench.fidelity.catalogues import MSGFMT, Outcome
from bench.fidelity.documents.catalogues import Catalogue, Maker

SENTENCES = [f"Sentence {number} is about the house of the {number} people." for number in range(36)]


def make(number: int = 1) -> Catalogue:
    """A catalogue of English sentences; one of an odd number has translations already."""
    return Maker("en", number, SENTENCES).make()


def fill(text: str) -> str:
    """A catalogue with its messages as their translations, by polib."""
    polib = pytest.importorskip("polib", reason="the parser is not installed: pip install --group bench")
    file = polib.pofile(text)
    for entry in file:
        if entry.msgid_plural:
            entry.msgstr_plural = {0: entry.msgid, 1: entry.msgid_plural}
        elif not entry.translated() and not entry.obsolete:
            entry.msgstr = entry.msgid
        entry.flags = [flag for flag in entry.flags if flag != "fuzzy"]
        entry.previous_msgid = None
    return f"{file}\n"


def faults(written: str, warnings: tuple[str, ...] = ()) -> list[tuple[str, bool]]:
    """What is wrong with a translation of the catalogue, and whether that was told."""
    catalogue = make()
    outcome = Outcome(catalogue, written.encode(), warnings)
    return [(case.group, case.is_warned) for case in outcome.judge() if case.fault]


def test_catalogues_are_the_same_in_each_run():
    assert (make(3), make(3).text) == (make(3), make(3).text)
    assert "\r\n" in make(3).text
    assert "CHARSET" in make(0).text
    assert len(make().placeholders) == len(Outcome(make(), make().text.encode()).entries)


def test_what_is_changed_missing_or_lost_is_found():
    right = fill(make().text)
    assert faults(right) == []
    assert faults(right.replace("# of a translator", "# of somebody", 1)) == [("outside", False)]
    assert faults(right.replace("X-Generator: by hand", "X-Generator: me", 1)) == [("outside", False)]
    assert faults(right.replace("#: src/file3.c:22\n", "", 1)) == [("outside", False)]
    assert ("translations", False) in faults(right.replace('msgstr "E&xit"', 'msgstr ""'))
    assert ("translations", False) in faults(right.replace('msgstr "Sentence 11', 'msgstr "Phrase 11'))
    placed = next(own[0] for own in make().placeholders if own)
    before, _, after = right.rpartition(placed)
    lost = f"{before}{after}"
    assert ("placeholders", False) in faults(lost)
    assert not MSGFMT or ("msgfmt -c", False) in faults(right.replace('msgstr[1] "', 'msgstr[1] "%s %s ', 1))
