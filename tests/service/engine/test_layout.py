"""Prompts: texts between the tokens of languages and of ends."""

import pytest
from polygist_service.engine.interface import Decoding
from polygist_service.engine.models.prompt_format import Prompt, PromptFormat
from polygist_service.errors import InferenceFailed

LANGUAGES = {"en": "__en__", "pt": "__pt__"}
TO_PT = Decoding(source="en", target="pt")


def test_everything_stands_in_its_place():
    layout = PromptFormat(source=("{source}", "{text}", "</s>"), target=("{target}",), languages=LANGUAGES)
    assert layout.arrange(["▁a", "▁b"], TO_PT) == Prompt(["__en__", "▁a", "▁b", "</s>"], ["__pt__"])


def test_a_target_language_may_stand_before_the_text():
    layout = PromptFormat(source=("{target}", "{text}", "</s>"), languages=LANGUAGES)
    prompt = layout.arrange(["▁a"], TO_PT)
    assert (prompt.tokens, prompt.prefix, len(prompt)) == (["__pt__", "▁a", "</s>"], [], 3)


def test_a_plain_layout_adds_nothing():
    assert PromptFormat().arrange(["▁a"], Decoding()) == Prompt(["▁a"], [])


@pytest.mark.parametrize("options", [Decoding(), Decoding(source="fr", target="pt")])
def test_a_language_without_a_token_is_named(options):
    layout = PromptFormat(source=("{source}", "{text}"), languages=LANGUAGES)
    with pytest.raises(InferenceFailed, match=rf"no token for language '{options.source}'; it has: en, pt"):
        layout.arrange(["▁a"], options)
