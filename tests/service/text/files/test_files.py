"""Files: which reader a file is given to."""

import sys

import pytest
from polygist_service.errors import UnsupportedCapability
from polygist_service.text.documents.files import FILES, read_file
from polygist_service.text.documents.files.base import ReadOptions
from polygist_service.text.documents.files.kinds import NAMES, WORD

OPTIONS = ReadOptions(unpacked_bytes=1 << 20, members=100)


def test_each_kind_has_a_reader():
    assert FILES.keys() == NAMES.keys()


def test_a_parser_that_is_not_installed_is_told_of_with_the_cure(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("polygist_service.text.documents.files.word")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "lxml", None)  # as where it is not installed
    with pytest.raises(UnsupportedCapability, match=r"package lxml;.*polygist\[service,documents\]") as refusal:
        read_file(b"", WORD, OPTIONS)
    assert refusal.value.metadata == {"mime_type": WORD, "package": "lxml"}
