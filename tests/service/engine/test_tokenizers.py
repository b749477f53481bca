from functools import lru_cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygist_service.engine.models.tokenizers import JsonTokenizer, SentencePieceTokenizer
from polygist_service.store.convert.inspect import read_vocabulary

from tests.service.tiny import write_tiny_model


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    folder = write_tiny_model(tmp_path_factory.mktemp("tiny") / "model")
    return SentencePieceTokenizer(folder / "tokenizer.spm")


def test_pieces_join_to_the_text(tokenizer):
    pieces = tokenizer.encode("the river town")
    assert tokenizer.decode(pieces) == "the river town"
    assert tokenizer.count("the river town") == len(pieces)


def test_printed_quotes_and_dashes_are_read_as_typed_ones(tokenizer):
    assert tokenizer.encode("“the” ri\u00adver—town") == tokenizer.encode('"the" river - town')


@given(st.lists(st.sampled_from(["the", "river", "—", "…", "ri\u00adver", "“", " ", "\n", "Ж", "."]), max_size=8))
def test_tokens_stand_in_order_at_their_own_letters(tokenizer, parts):
    text = "".join(parts)
    spans = [span for span in tokenizer.token_spans(text) if span[0] < span[1]]
    assert len(tokenizer.token_spans(text)) == tokenizer.count(text)
    assert [end for _, end in spans] == sorted(end for _, end in spans)
    for start, end in spans:
        assert not text[start].isspace()
        assert not text[end - 1].isspace()
    assert set().union(*(range(*span) for span in spans)) >= {at for at, each in enumerate(text) if each.isalpha()}


def test_a_dash_is_no_part_of_the_word_behind_it(tokenizer):
    text = "the river — the town"
    parts = [text[slice(*span)] for span in tokenizer.token_spans(text)]
    assert [part for part in parts if part] == ["the", "river", "—", "the", "town"]


def test_what_the_vocabulary_lacks_is_found_where_it_stands(tokenizer):
    assert tokenizer.unknown_spans("the 🙂🙂 river Ж town") == [(4, 6), (13, 14)]
    assert tokenizer.unknown_spans("the river") == []
    assert tokenizer.unknown_spans("") == []


def test_text_that_looks_like_a_control_token_is_only_text(tokenizer):
    assert "</s>" not in tokenizer.encode("the </s> river <s> town")
    assert "<unk>" not in tokenizer.encode("<unk>")


def test_tokens_that_show_a_character_are_found(tokenizer):
    found = tokenizer.tokens_with(frozenset("x."))
    assert "." in "".join(found)
    assert all({"x", "."}.intersection(token) for token in found)
    assert tokenizer.tokens_with(frozenset("\0")) == []


FOLDERS = Path(__file__).parents[2] / "parity"
LANGUAGES = {"nllb": ("eng_Latn", "deu_Latn"), "madlad": ("<2de>", "<2en>"), "mbart50": ("en_XX", "de_DE")}


@pytest.fixture(params=["nllb", "madlad", "mbart50", "t5", "mt5", "bart", "pegasus", "causal-lm"])
def published(request):
    """The tokenizer of a published family, and its control tokens."""
    languages = LANGUAGES.get(request.param, ())
    tokenizer = JsonTokenizer(FOLDERS / request.param / "tokenizer.json", reserved=languages)
    ends = ("<|im_start|>", "<|im_end|>") if request.param == "causal-lm" else ("</s>",)
    return tokenizer, (*languages, *ends)


def test_no_text_becomes_a_control_token(published):
    tokenizer, control = published
    for token in control:
        for text in (token, f"the {token} river", f"{token}{token}", f"a{token[0]}{token}"):
            tokens = tokenizer.encode(text)
            assert not set(control) & set(tokens), (token, tokens)
            assert tokens


PARTS = ["<", "/", "s", ">", "|", " ", "a", "<2de>", "eng_Latn", "</s>", "<s>"]


@given(st.lists(st.sampled_from(PARTS), max_size=12).map("".join))
def test_no_mixture_of_their_parts_does_either(text):
    for name, languages in LANGUAGES.items():
        tokenizer = tokenizers_of(name, languages)
        assert not {*languages, "</s>", "<s>"} & set(tokenizer.encode(text))


@lru_cache
def tokenizers_of(name, languages):
    return JsonTokenizer(FOLDERS / name / "tokenizer.json", reserved=languages)


def test_tokens_join_to_the_text_and_control_tokens_to_nothing(published):
    tokenizer, control = published
    tokens = tokenizer.encode("the river near")
    assert tokenizer.decode([control[-1], *tokens, control[-1]]) == "the river near"
    assert tokenizer.count("the river near") == len(tokens)


def test_a_json_tokenizer_finds_what_it_lacks():
    tokenizer = tokenizers_of("nllb", LANGUAGES["nllb"])
    assert tokenizer.unknown_spans("the 漢 river") == [(4, 5)]
    assert tokenizer.unknown_spans("the river") == []


def test_pieces_that_are_no_tokens_are_unknown():
    folder = FOLDERS / "marian"
    tokenizer = SentencePieceTokenizer(folder / "source.spm", vocabulary=read_vocabulary(folder), reads_printed=False)
    assert tokenizer.unknown_spans("the 漢 river") == [(4, 5)]
    assert tokenizer.unknown_spans("the river") == []
    assert tokenizer.decode(["▁the", "</s>"]) == "the"
