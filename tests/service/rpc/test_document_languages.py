"""The languages of documents: what is said of them where it can be believed, else what their text says."""

import re

from polygist.v1 import common_pb2, model_service_pb2, translation_service_pb2

from tests.service.echo import EN_PT, PT_EN, EchoEngine, pair
from tests.service.harness import failure_of, serving

WARNING = common_pb2.WarningCode
ENGLISH = (
    "The council of the town voted on Tuesday to rebuild the old stone bridge over the river, which has been closed "
    "for two years now."
)
PORTUGUESE = (
    "A câmara municipal votou na terça-feira a reconstrução da velha ponte de pedra sobre o rio, que está fechada há "
    "dois anos."
)
FRENCH = "Le conseil municipal a voté mardi la reconstruction du vieux pont de pierre, fermé depuis deux ans déjà."


def page(*blocks, language="en"):
    head = f'<!DOCTYPE html>\n<html lang="{language}"><head><meta charset="utf-8"></head>\n<body>'
    return "".join([head, *blocks, "</body></html>"])


async def translate(*contents, engine=None, **fields):
    """The answers to some pages; a stream has to say the same."""
    fields = {"target_language_code": "pt", "mime_type": "text/html", **fields}
    async with serving(engine or EchoEngine()) as service:
        request = translation_service_pb2.TranslateRequest(contents=contents, **fields)
        translations = (await service.translation.Translate(request)).translations
        streamed = [translation_service_pb2.Translation() for _ in contents]
        texts = [""] * len(contents)
        wrapped = translation_service_pb2.StreamTranslateRequest(request=request)
        async for event in service.translation.StreamTranslate(wrapped):
            texts[event.content_index] += event.text_delta
            if event.HasField("translation"):
                streamed[event.content_index] = event.translation
        for each, text in zip(streamed, texts, strict=True):
            each.translated_text = text
        assert streamed == list(translations)
    return translations


def warnings_of(content, translation):
    """The names of the warnings, with what they point at."""
    return [
        (
            WARNING.Name(warning.code).removeprefix("WARNING_CODE_"),
            content[warning.source_span.start_offset : warning.source_span.end_offset],
        )
        for warning in translation.warnings
    ]


async def test_a_page_is_in_the_language_that_it_says():
    brief = page("<p>Tchau!</p>", language="pt-BR")
    (translation,) = await translate(brief, target_language_code="en")
    assert translation.translated_text == brief.replace("Tchau!", "[Tchau!]").replace('lang="pt-BR"', 'lang="en"')
    assert (translation.source_language_code, translation.HasField("detection_confidence")) == ("pt-BR", False)
    assert not translation.warnings
    (translation,) = await translate('<p lang="pt">Tchau!</p>\n<p lang="pt">Menu</p>', target_language_code="en")
    assert translation.translated_text == '<p lang="en">[Tchau!]</p>\n<p lang="en">[Menu]</p>'
    assert (translation.source_language_code, len(translation.warnings)) == ("pt", 0)
    notes = "---\nlang: pt-BR\n---\n\nTchau!\n"
    (translation,) = await translate(notes, target_language_code="en", mime_type="text/markdown")
    assert translation.translated_text == "---\nlang: en\n---\n\n[Tchau!]\n"
    assert translation.source_language_code == "pt-BR"


async def test_a_page_that_is_surely_in_another_language_is_in_that():
    wrong = page("<p>O cachorro dorme em casa e o gato come o peixe na cozinha.</p><p>Ok</p>")
    left, translated = await translate(wrong), await translate(wrong, target_language_code="en")
    assert (left[0].translated_text, left[0].source_language_code) == (wrong, "pt")
    assert translated[0].translated_text.count("[") == 2
    assert translated[0].detection_confidence > 0.9
    assert not translated[0].warnings
    # Who names the language, and who names those to choose from, knows better than a page.
    named = await translate(wrong, target_language_code="en", source_language_code="pt")
    chosen = await translate(page("<p>Tchau!</p>"), target_language_code="en", candidate_language_codes=["pt"])
    assert [each[0].source_language_code for each in (named, chosen)] == ["pt", "pt"]


async def test_parts_that_say_that_they_are_in_another_language_go_their_own_way():
    blocks = (
        f"<p>{ENGLISH}</p>", f'<blockquote lang="fr"><p>{FRENCH}</p></blockquote>', f'<p lang="pt">{PORTUGUESE}</p>',
        f"<p>{ENGLISH}</p>", '<p lang="fr">Au revoir</p>',
    )  # fmt: skip
    content = page(*blocks)
    for fields in ({}, {"source_language_code": "en"}):
        (translation,) = await translate(content, **fields)
        assert translation.translated_text.count(f"[{ENGLISH}]") == 2
        rest = translation.translated_text.replace(f"[{ENGLISH}]", ENGLISH)
        assert rest == content.replace('<html lang="en">', '<html lang="pt">')
        told = warnings_of(content, translation)
        assert told == [
            ("MIXED_LANGUAGES", FRENCH),
            ("MIXED_LANGUAGES", PORTUGUESE),
            ("MIXED_LANGUAGES", "Au revoir"),
            ("UNTRANSLATED", FRENCH),
            ("UNTRANSLATED", "Au revoir"),
        ]
    mostly = f'<p lang="fr">{FRENCH}</p><p>Good day.</p>'
    (translation,) = await translate(mostly, source_language_code="en")
    assert translation.translated_text == mostly.replace("Good day.", "[Good day.]")
    assert warnings_of(mostly, translation) == [("MIXED_LANGUAGES", FRENCH), ("UNTRANSLATED", FRENCH)]
    french = EchoEngine(EN_PT, PT_EN, pair("fr", "pt"))
    (translation,) = await translate(content, engine=french, output_config={"include_segments": True})
    assert translation.translated_text.count("[") == 4
    assert '<blockquote lang="pt"><p>[' in translation.translated_text
    assert french.ran.count("fr-pt") == 2  # once for each call
    for segment in translation.segments:
        source, target = segment.source_span, segment.target_span
        read = content[source.start_offset : source.end_offset]
        assert translation.translated_text[target.start_offset : target.end_offset] == f"[{read}]"


async def test_a_part_that_is_surely_in_the_language_of_the_whole_is_in_that():
    wrong = f'<p lang="fr">{ENGLISH}</p>', '<p lang="fr">Click here to read more of the story</p>'
    content = page(f"<p>{ENGLISH}</p>", *wrong)
    (translation,) = await translate(content)
    assert translation.translated_text.count("[") == 3
    assert not translation.warnings


async def test_parts_in_other_languages_are_found_without_a_word_about_them():
    content = page(
        f"<p>{ENGLISH}</p>", f"<div><p>{FRENCH}</p></div>", f"<p>{ENGLISH}</p>", f"<p>{PORTUGUESE}</p>", language=""
    )
    content = content.replace(' lang=""', "")
    (translation,) = await translate(content)
    assert re.sub(r"[][]", "", translation.translated_text) == content.replace("<html>", '<html lang="pt">')
    assert translation.translated_text.count(f"[{ENGLISH}]") == 2
    found = [span for code, span in warnings_of(content, translation) if code == "MIXED_LANGUAGES"]
    assert found == [FRENCH, PORTUGUESE]


async def test_one_long_part_is_enough_beside_short_ones():
    german = "Der Hund schläft im Haus und die Katze frisst den Fisch in der Küche."
    blocks = (
        f"<p>{german}</p>",
        "<p>The dog sleeps in the house and the cat eats.</p>",
        "<p>The weather is very good today.</p>",
    )
    for content, mime_type in (
        ("".join(blocks), "text/html"),
        (re.sub("<[^>]*>", "\n\n", "".join(blocks)), "text/plain"),
    ):
        (translation,) = await translate(content, mime_type=mime_type)
        assert german in translation.translated_text
        assert translation.translated_text.count("[") == 2
        assert [code for code, _ in warnings_of(content, translation)] == ["MIXED_LANGUAGES", "UNTRANSLATED"]


async def test_what_is_never_translated_says_nothing_of_the_language():
    kept = f"<p translate=no>{ENGLISH}</p>"
    (translation,) = await translate(f"{kept}<p>O cão dorme na casa.</p>", target_language_code="en")
    assert translation.translated_text == f"{kept}<p>[O cão dorme na casa.]</p>"
    (translation,) = await translate(kept)
    assert (translation.translated_text, translation.source_language_code) == (kept, "und")


async def test_tags_are_no_words():
    contents = [
        "<p class='the words of a class'>12</p>",
        "<div><img src='a_photograph_of_the_house.png'></div>",
        " <br> ",
    ]
    for each, translation in zip(contents, await translate(*contents), strict=True):
        assert (translation.translated_text, translation.source_language_code) == (each, "und")
    async with serving(EchoEngine()) as service:
        request = translation_service_pb2.DetectLanguageRequest(
            contents=[f'<div class="the content of the page" title="x"><p>{PORTUGUESE}</p></div>', "<p>12</p>"],
            mime_type="text/html",
        )
        found = (await service.translation.DetectLanguage(request)).detections
        assert [each.languages[0].language_code for each in found] == ["pt", "und"]
        count = model_service_pb2.CountTokensRequest(
            contents=["<p>one <b>two</b></p><ul><li>three</li></ul>", "<br>"],
            model="models/en-pt",
            mime_type="text/html",
        )
        assert list((await service.models.CountTokens(count)).token_counts) == [3, 0]
        count.mime_type = "text/plain"
        assert list((await service.models.CountTokens(count)).token_counts) == [2, 1]
        count.mime_type = "image/png"
        assert (await failure_of(service.models.CountTokens(count))).reason == "MIME_TYPE_UNSUPPORTED"


async def test_what_no_model_reads_is_said_of_the_content_that_is_in_it():
    async with serving(EchoEngine()) as service:
        request = translation_service_pb2.TranslateRequest(
            contents=[page(f"<p>{ENGLISH}</p>"), page("<p>Moi</p>", language="fi")], target_language_code="pt",
            mime_type="text/html",
        )  # fmt: skip
        failure = await failure_of(service.translation.Translate(request))
        assert (failure.reason, failure.metadata["source"]) == ("LANGUAGE_PAIR_UNSUPPORTED", "fi")
        assert "contents[1]" in failure.message
        request.contents[1] = "<div>" * 100_000
        failure = await failure_of(service.translation.Translate(request))
        assert (failure.reason, failure.field) == ("FIELD_INVALID", "contents[1]")
