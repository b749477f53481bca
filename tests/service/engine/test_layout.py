"""Prompts: texts between the tokens of languages and of ends."""

import pytest
from polygist_service.engine.interface import Decoding
from polygist_service.engine.models.prompt_format import Layout, Prompt
from polygist_service.errors import InferenceFailed

LANGUAGES = {"en": "__en__", "pt": "__pt__"}
TO_PT = Decoding(source="en", target="pt")


def test_everything_stands_in_its_place():
    layout = Layout(source=("{source}", "{text}", "</s>"), target=("{target}",), languages=LANGUAGES)
    assert layout.lay_out(["▁a", "▁b"], TO_PT) == Prompt(["__en__", "▁a", "▁b", "</s>"], ["__pt__"])


def test_a_target_language_may_stand_before_the_text():
    layout = Layout(source=("{target}", "{text}", "</s>"), languages=LANGUAGES)
    prompt = layout.lay_out(["▁a"], TO_PT)
    assert (prompt.tokens, prompt.prefix, len(prompt)) == (["__pt__", "▁a", "</s>"], [], 3)


def test_a_plain_layout_adds_nothing():
    assert Layout().lay_out(["▁a"], Decoding()) == Prompt(["▁a"], [])


@pytest.mark.parametrize("options", [Decoding(), Decoding(source="fr", target="pt")])
def test_a_language_without_a_token_is_named(options):
    layout = Layout(source=("{source}", "{text}"), languages=LANGUAGES)
    with pytest.raises(InferenceFailed, match=rf"no token for language '{options.source}'; it has: en, pt"):
        layout.lay_out(["▁a"], options)
