"""Catalogues of messages over the wire."""

import polib
from polygist.v1 import common_pb2, translation_service_pb2

from tests.service.echo import EchoEngine
from tests.service.harness import failure_of, serving

CATALOGUE = r"""msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\n"
"Language: pt\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"

#, c-format
msgid "The file %s was copied to the other folder.\n"
msgstr ""

#, c-format
msgid "%d file was left behind."
msgid_plural "%d files were left behind."
msgstr[0] ""
msgstr[1] ""

msgid "The window is open."
msgstr "A janela está aberta."

#, fuzzy, python-format
#| msgid "The old words."
msgid "The words of %(name)s are <b>new</b>."
msgstr "As palavras velhas."
"""


def ask(document=CATALOGUE, **fields):
    return translation_service_pb2.TranslateDocumentRequest(
        document=document.encode(),
        name="messages.po",
        config=translation_service_pb2.TranslateRequest(target_language_code="pt"),
        include_text=True,
        **fields,
    )


async def test_a_catalogue_is_translated():
    engine = EchoEngine(answer=lambda text: text.replace("The ", "O ").replace("file", "ficheiro"))
    async with serving(engine) as service:
        reply = await service.translation.TranslateDocument(ask())
        config = translation_service_pb2.CatalogueConfig(mark_fuzzy=True, retranslate=True)
        again = await service.translation.TranslateDocument(ask(catalogue_config=config))
    found = polib.pofile(reply.document.decode())
    assert (reply.mime_type, reply.translation.source_language_code) == ("text/x-gettext-translation", "en")
    assert [entry.msgstr or entry.msgstr_plural for entry in found] == [
        "O ficheiro %s was copied to the other folder.\n",
        {0: "%d ficheiro was left behind.", 1: "%d ficheiros were left behind."},
        "A janela está aberta.",
        "O words of %(name)s are <b>new</b>.",
    ]
    assert [entry.fuzzy for entry in found] == [False] * 4
    assert "was copied" in reply.source_text
    marked = polib.pofile(again.document.decode())
    assert [entry.fuzzy for entry in marked] == [True] * 4
    assert marked[2].msgstr == "O window is open."


async def test_placeholders_in_another_order_are_marked_and_told():
    entry = '\n#, {0}-format\nmsgid "From %s to %s it went."\nmsgstr ""\n'
    document = "".join([CATALOGUE, entry.format("c"), entry.format("python").replace("went", "ran")])
    async with serving(EchoEngine(answer=lambda text: " ".join(reversed(text.split())))) as service:
        reply = await service.translation.TranslateDocument(ask(document))
    in_c, in_python = polib.pofile(reply.document.decode())[-2:]
    # C understands numbers, Python does not.
    assert (in_c.msgstr, in_c.fuzzy) == ("Went. it %2$s to %1$s From", False)
    assert (in_python.msgstr, in_python.fuzzy) == ("Ran. it %s to %s From", True)
    lost = [each for each in reply.translation.warnings if each.code == common_pb2.WARNING_CODE_PLACEHOLDER_LOST]
    spans = [reply.source_text[each.source_span.start_offset : each.source_span.end_offset] for each in lost]
    assert spans == ["%1$s", "%2$s"]


async def test_what_is_no_catalogue_is_refused():
    async with serving(EchoEngine()) as service:
        failure = await failure_of(service.translation.TranslateDocument(ask(CATALOGUE + 'msgid "cut')))
        assert (failure.reason, failure.field) == ("FIELD_INVALID", "document")
        assert "line 24" in failure.message
        other = CATALOGUE.replace("Language: pt", "Language: de")
        failure = await failure_of(service.translation.TranslateDocument(ask(other)))
    assert "has translations into de already" in failure.message
