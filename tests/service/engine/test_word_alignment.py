"""Which words became which: what models tell, and which of their attention they are made to tell it by."""

import json
import shutil
import struct
from dataclasses import replace
from pathlib import Path

import ctranslate2
import numpy as np
import pytest
from polygist_service.cli.flags import InstallTrials
from polygist_service.engine.hardware import Placement
from polygist_service.engine.interface import Decoding
from polygist_service.engine.residency.loader import open_model
from polygist_service.engine.word_alignment import Example, choose_attention, find_known, read_examples, read_table
from polygist_service.settings import load_home
from polygist_service.store.catalogue.pull_options import PullOptions
from polygist_service.store.convert.attention import Attention, find_attention
from polygist_service.store.store import Store
from polygist_service.text.alignment import find_words, strongest

PARITY = Path(__file__).parents[2] / "parity"
TEXTS = ["The river runs through the old town.", "A new school opened near the bridge; 12 people came."]
WAYS = [
    Decoding(alignment=True),
    Decoding(alignment=True, beam_size=2),
    Decoding(alignment=True, beam_size=4, hypothesis_count=3, scores=True),
    Decoding(alignment=True, max_output_tokens=4),
    Decoding(alignment=True, repetition_penalty=1.3, no_repeat_ngram_size=2),
]


def look_again(translator, model, prompt, text, tokens):
    """How much each of `tokens` looks at each token of a text, where the model is made to write these very ones."""
    written = [*prompt.prefix, *tokens]
    (output,) = translator.translate_batch(
        [prompt.tokens], target_prefix=[written], max_decoding_length=len(written), return_attention=True
    )
    assert output.hypotheses[0] == written
    first, count = model._format.text_start, len(model._tokenizer.token_spans(text))
    rows = np.array(output.attention[0])[len(prompt.prefix) :, first : first + count]
    # Some tokens stand for no character of the text.
    return rows * [start < end for start, end in model._tokenizer.token_spans(text)]


def check_alignments(installed, ways, texts, tolerance=1e-4, **languages):
    """Raise where what a model tells of what it wrote is not what it looks at when it writes that again."""
    model, count = open_model(installed, slots=1, placement=Placement(compute_type="default")), 0
    translator = ctranslate2.Translator(str(installed.folder), compute_type="default", intra_threads=1)
    decode, joined = model._tokenizer.decode, []
    model._tokenizer.decode = lambda tokens: joined.append(list(tokens)) or decode(tokens)
    for way in (replace(each, **languages) for each in ways):
        prompts = [model.tokenise(text, way) for text in texts]
        joined.clear()
        results = model.run(prompts, way)
        written = iter([tokens for tokens in joined if tokens])
        for text, prompt, result in zip(texts, prompts, results, strict=True):
            sources = model._tokenizer.token_spans(text)
            for hypothesis in result.hypotheses:
                tokens = next(each for each in written if decode(each) == hypothesis.text)
                rows = look_again(translator, model, prompt, text, tokens)
                spans = model._tokenizer.decoded_spans(tokens)
                spoken = {span: row for span, row in zip(spans, rows, strict=True) if span[0] < span[1]}
                assert list(dict.fromkeys(pair.target for pair in hypothesis.alignment)) == list(spoken)
                for source, target, weight in hypothesis.alignment:
                    # Alone and among others the sums are not the same to the last digit.
                    assert weight == pytest.approx(spoken[target][sources.index(source)], abs=tolerance)
                    assert target[1] <= len(hypothesis.text)
                for _source, target, weight in strongest(hypothesis.alignment):
                    assert weight == pytest.approx(spoken[target].max(), abs=tolerance)
                count += len(hypothesis.alignment)
    return count


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("home"), measure=choose_attention)


@pytest.fixture(scope="module")
def nllb(store):
    (pulled,) = store.pull([f"path:{PARITY / 'nllb'}"])
    return pulled.model


@pytest.fixture(scope="module")
def marian(store):
    (pulled,) = store.pull([f"path:{PARITY / 'marian'}"], options=PullOptions(sources=("en",), targets=("de",)))
    return pulled.model


def test_each_word_comes_with_what_was_looked_at_for_it(nllb, marian):
    assert check_alignments(marian, WAYS, TEXTS) > 50
    # Its decoder has to begin with a token, of which no word is written.
    assert check_alignments(nllb, WAYS, TEXTS, source="en", target="pt") > 50


@pytest.mark.model
def test_starter_models_tell_the_same_of_every_way_to_decode():
    installed = Store(load_home(None)).find("en-pt")
    ways = [*WAYS, Decoding(alignment=True, shortlist=True)]
    assert check_alignments(installed, ways, ["The dog of my brother's neighbour is not old.", *TEXTS], 0.02) > 200


def test_models_that_translate_nothing_are_not_taken_to_align(store, nllb, marian):
    assert (nllb.description.aligns, marian.description.aligns) == (False, False)
    assert marian.description.alignment_share < 0.5
    (summariser,) = store.pull([f"path:{PARITY / 'bart'}"], options=PullOptions(family="bart"))
    assert summariser.model.description.alignment_share is None
    store.verify("marian")


@pytest.mark.model
def test_the_best_attention_of_a_model_is_found_and_told(tmp_path):
    installed = Store(load_home(None)).find("en-pt")
    folder = tmp_path / "unknown"
    shutil.copytree(installed.folder, folder)
    setting = find_attention(folder / "model.bin")
    setting.write(Attention(0, 8))
    unknown = replace(installed.description, family="m2m100", aligns=None, alignment_layer=0, alignment_heads=8)
    found = choose_attention(folder, unknown)
    assert (found.aligns, found.alignment_layer, found.alignment_heads) == (True, setting.layers - 1, 1)
    assert found.alignment_share > 0.9
    layer, heads = (struct.pack("<h", number) for number in (found.alignment_layer, found.alignment_heads))
    weights = (folder / "model.bin").read_bytes()
    assert [weights[place : place + 2] for place in setting.places] == [layer, heads]


def test_a_model_of_which_nothing_was_measured_goes_by_its_family(store, marian):
    path = marian.folder / "manifest.json"
    manifest = json.loads(path.read_text())
    for name in ("aligns", "alignment_layer", "alignment_heads", "alignment_share"):
        del manifest["description"][name]
    aligns = {}
    for family in ("marian", "nllb"):
        manifest["description"]["family"] = family
        path.write_text(json.dumps(manifest))
        aligns[family] = store.find("marian").description.aligns
    assert aligns == {"marian": True, "nllb": False}


def test_a_model_that_cannot_be_measured_is_installed_all_the_same(marian, tmp_path, capsys):
    shutil.copytree(marian.folder, tmp_path / "broken")
    weights = tmp_path / "broken" / "model.bin"
    weights.write_bytes(weights.read_bytes()[:5000])
    assert InstallTrials(tmp_path).choose_attention(tmp_path / "broken", marian.description) == marian.description
    assert capsys.readouterr().err.startswith("warning: marian: whether it aligns words was not measured: ")


def test_a_known_word_is_the_one_that_changes_with_its_own():
    group = [Example(f"It is {word} here.", (6, 6 + len(word)), is_grammar=False) for word in ("hot", "cold", "so")]
    written = ["Aqui está quente.", "Aqui está frio.", "Está assim por aqui."]
    known = list(find_known(group, written))
    assert [each.example for each in known] == group[:2]
    assert [text[slice(*each.target)] for text, each in zip(written, known, strict=False)] == ["quente", "frio"]
    assert list(find_known(group, ["a b", "b a", "c"])) == []


def test_the_sentences_of_a_group_differ_in_one_word():
    for language in read_table()["languages"]:
        for group in read_examples(language):
            assert len(group) == len({each.text for each in group}) > 1
            for each in group:
                assert each.span in find_words(each.text) or each.text[slice(*each.span)].count(" ")
