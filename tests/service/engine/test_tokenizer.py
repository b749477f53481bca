import pytest
from polygist_service.engine.tokenizer import SentencePieceTokenizer

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


def test_what_the_vocabulary_lacks_is_found_where_it_stands(tokenizer):
    assert tokenizer.unknown_spans("the 🙂🙂 river Ж town") == [(4, 6), (13, 14)]
    assert tokenizer.unknown_spans("the river") == []
    assert tokenizer.unknown_spans("") == []


def test_text_that_looks_like_a_control_token_is_only_text(tokenizer):
    assert "</s>" not in tokenizer.encode("the </s> river <s> town")
    assert "<unk>" not in tokenizer.encode("<unk>")
