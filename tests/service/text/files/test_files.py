"""Files: which reader a file is given to."""

import sys

import pytest
from polygist_service.errors import UnsupportedCapability
from polygist_service.text.documents.files import FILES, read_file
from polygist_service.text.documents.files.base import ReadOptions

OPTIONS = ReadOptions(unpacked_bytes=1 << 20, members=100)


def read_with_lxml(document, options):
    import lxml.etree

    return lxml.etree.fromstring(document)


def test_a_parser_that_is_not_installed_is_told_of_with_the_cure(monkeypatch):
    monkeypatch.setitem(FILES, "application/xml", read_with_lxml)
    monkeypatch.setitem(sys.modules, "lxml", None)  # as where it is not installed
    with pytest.raises(UnsupportedCapability, match=r"package lxml;.*polygist\[service,documents\]") as refusal:
        read_file(b"<a/>", "application/xml", OPTIONS)
    assert refusal.value.metadata == {"mime_type": "application/xml", "package": "lxml"}
