"""Families: how members are recognised, and how their languages are read."""

import pytest
from polygist_service.errors import StoreError
from polygist_service.store.catalogue.catalogue import read_catalogue
from polygist_service.store.catalogue.families import recognise, window_cost

FAMILIES = read_catalogue().families
M2M = {"architectures": ["M2M100ForConditionalGeneration"]}
T5 = {"architectures": ["T5ForConditionalGeneration"]}
MARIAN = {"architectures": ["MarianMTModel"]}


@pytest.mark.parametrize(
    ("config", "tokenizer", "vocabulary", "family"),
    [
        (M2M, "NllbTokenizerFast", ["eng_Latn"], "nllb"),
        (M2M, "NllbTokenizer", [], "nllb"),
        (M2M, "M2M100Tokenizer", ["__en__"], "m2m100"),
        (M2M, "SMALL100Tokenizer", ["__en__"], "small100"),
        (M2M, "", ["eng_Latn", "por_Latn"], "nllb"),
        (T5, "T5Tokenizer", ["<2en>", "<2pt>"], "madlad"),
        (T5, "T5TokenizerFast", ["▁the"], "t5"),
        (MARIAN, "MarianTokenizer", ["▁the"], "marian"),
        (MARIAN, "MarianTokenizer", [">>por<<", "▁the"], "marian-multi"),
        ({"architectures": ["MT5ForConditionalGeneration"]}, "T5Tokenizer", ["▁the"], "mt5"),
        ({"architectures": ["BartForConditionalGeneration"]}, "RobertaTokenizer", ["Ġthe"], "bart"),
        ({"architectures": ["Qwen2ForCausalLM"]}, "Qwen2Tokenizer", ["Ġthe"], "causal-lm"),
        ({"architectures": ["XLMRobertaModel"]}, "XLMRobertaTokenizer", ["▁the"], "encoder"),
        ({}, "NllbTokenizer", ["eng_Latn"], "nllb"),
        ({}, "MBart50Tokenizer", ["en_XX"], "mbart50"),
    ],
)
def test_a_member_is_recognised(config, tokenizer, vocabulary, family):
    files = ["tokenizer.json", "source.spm", "target.spm", "sentencepiece.bpe.model"]
    assert recognise(FAMILIES, config, tokenizer, vocabulary, files).name == family


@pytest.mark.parametrize(
    ("config", "tokenizer", "message"),
    [
        (
            {"architectures": ["GPT9"]},
            "X",
            r"architecture GPT9, tokenizer X\); give --family, one of: bergamot, marian",
        ),
        ({}, "", r"architecture unknown, tokenizer unknown\); give --family"),
        (M2M, "", "one of: m2m100, small100"),
    ],
)
def test_what_cannot_be_told_names_the_candidates(config, tokenizer, message):
    with pytest.raises(StoreError, match=message):
        recognise(FAMILIES, config, tokenizer, ["__en__"], ["tokenizer.json"])


@pytest.mark.parametrize(
    ("family", "tokens", "languages"),
    [
        (
            "nllb",
            ["por_Latn", "zho_Hans", "zho_Hant", "arb_Arab", "<s>", "zxx_Latn_x"],
            ["ar", "pt", "zh-Hans", "zh-Hant"],
        ),
        ("m2m100", ["__pt__", "__ns__", "__zh__", "▁__en__"], ["nso", "pt", "zh"]),
        ("mbart50", ["pt_XX", "zh_CN", "en_XX", "a_b"], ["en", "pt", "zh"]),
        ("madlad", ["<2pt>", "<2sr_Latn>", "<2zxx_xx_dtynoise>", "<2>"], ["pt", "sr-Latn"]),
        ("marian-multi", [">>por<<", ">>pt_br<<", ">>cmn_Hant<<"], ["pt", "pt-BR", "zh-Hant"]),
        ("marian", [">>por<<"], []),
    ],
)
def test_languages_are_read_from_the_vocabulary(family, tokens, languages):
    assert list(FAMILIES[family].read_languages(tokens)) == languages


@pytest.mark.parametrize(
    ("name", "languages"),
    [
        ("opus-mt-en-de", (("en",), ("de",))),
        ("opus-mt-tc-big-en-pt", (("en",), ("pt",))),
        ("opus-mt-en-ROMANCE", (("en",), ())),
        ("opus-mt-mul-en", ((), ("en",))),
        ("opus-mt-en-pt_BR", (("en",), ("pt-BR",))),
        ("opus-mt-en", None),
        ("nllb-200", None),
    ],
)
def test_a_name_tells_the_pair(name, languages):
    assert FAMILIES["marian"].read_name(name) == languages


def test_an_end_of_sentence_belongs_to_the_window_and_the_rest_is_taken_from_it():
    assert [window_cost(layout) for layout in (["{text}"], ["{text}", "</s>"], ["{source}", "{text}", "</s>"])] == [
        0,
        0,
        1,
    ]
