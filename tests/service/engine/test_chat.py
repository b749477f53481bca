"""What a chat template makes of an instruction and a text."""

import json

import pytest
from polygist_service.engine.models.prompt_format import render_frame
from polygist_service.errors import StoreError

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
