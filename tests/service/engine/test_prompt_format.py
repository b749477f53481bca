"""How a text enters a model: between tokens, or in the turns of a conversation."""

import json

import pytest
from polygist_service.engine.interface import Decoding
from polygist_service.engine.models.prompt_format import Prompt, PromptFormat, render_frame
from polygist_service.errors import InferenceFailed, StoreError

LANGUAGES = {"en": "__en__", "pt": "__pt__"}
TO_PT = Decoding(source="en", target="pt")


def test_everything_stands_in_its_place():
    format_ = PromptFormat(source=("{source}", "{text}", "</s>"), target=("{target}",), languages=LANGUAGES)
    assert format_.arrange(["▁a", "▁b"], TO_PT) == Prompt(["__en__", "▁a", "▁b", "</s>"], ["__pt__"])


def test_a_target_language_may_stand_before_the_text():
    format_ = PromptFormat(source=("{target}", "{text}", "</s>"), languages=LANGUAGES)
    prompt = format_.arrange(["▁a"], TO_PT)
    assert (prompt.tokens, prompt.prefix, len(prompt)) == (["__pt__", "▁a", "</s>"], [], 3)


def test_a_plain_format_adds_nothing():
    assert PromptFormat().arrange(["▁a"], Decoding()) == Prompt(["▁a"], [])


@pytest.mark.parametrize("options", [Decoding(), Decoding(source="fr", target="pt")])
def test_a_language_without_a_token_is_named(options):
    format_ = PromptFormat(source=("{source}", "{text}"), languages=LANGUAGES)
    with pytest.raises(InferenceFailed, match=rf"no token for language '{options.source}'; it has: en, pt"):
        format_.arrange(["▁a"], options)


TURNS = (
    "{% for turn in messages %}<|{{ turn.role }}|>{{ turn.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|a|>{% endif %}"
)


@pytest.fixture
def model(tmp_path):
    def write(template, **settings):
        (tmp_path / "tokenizer_config.json").write_text(json.dumps({"chat_template": template, **settings}))
        return tmp_path

    return write


def test_the_text_stands_where_the_template_puts_it(model):
    assert render_frame(model(TURNS), "Summarise.\n\n") == ("<|user|>Summarise.\n\n", "<|end|><|a|>")


def test_a_template_in_a_file_of_its_own_goes_first(model):
    folder = model("other")
    (folder / "chat_template.jinja").write_text(TURNS)
    assert render_frame(folder, "")[0] == "<|user|>"


def test_the_models_own_tokens_are_known(model):
    template = "{{ bos_token }}[{{ messages[0]['content'] }}]{{ eos_token }}"
    folder = model(template, bos_token="<s>", eos_token={"content": "</s>", "special": True})
    assert render_frame(folder, "") == ("<s>[", "]</s>")


def test_no_thinking_is_asked_for(model):
    template = (
        "{{ messages[0].content }}{% if enable_thinking is defined and not enable_thinking %}<think></think>{% endif %}"
    )
    assert render_frame(model(template), "")[1] == "<think></think>"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (None, "has no chat template"),
        ("{{ messages[0].role }}", "does not put the user's text in one place"),
        ("{{ messages[0].content }}{{ messages[0].content }}", "does not put the user's text in one place"),
        ("{% if %}", "does not render"),
        ("{{ raise_exception('only two turns') }}", "only two turns"),
        ("{{ ''.__class__.__mro__ }}{{ messages[0].content }}", "does not render"),
        ("{{ messages.append('x') }}{{ messages[0].content }}", "does not render"),
    ],
)
def test_a_template_that_is_none_is_refused(model, template, message):
    with pytest.raises(StoreError, match=message):
        render_frame(model(template), "")
