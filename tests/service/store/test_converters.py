"""Conversions of a tiny student: the converted model is run and held against a forward pass in numpy."""

from pathlib import Path

import ctranslate2
import numpy as np
import pytest
import sentencepiece
from ctranslate2.specs import common_spec, model_spec
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from polygist_service.errors import StoreError
from polygist_service.store.convert.bergamot import convert_bergamot, read_student, write_adapter
from polygist_service.store.convert.quantisation import quantise
from polygist_service.store.convert.vocabulary_map import (
    Candidates,
    Shortlist,
    read_candidates,
    write_candidates,
)
from polygist_service.store.saturation import LARGEST, LARGEST_WITHOUT_VNNI
from polygist_service.store.sources.wheels import PACKAGED
from safetensors.numpy import load, load_file, save

from tests.service.store.reference import END, MarianForward
from tests.service.store.student import OPTIONS, make_student_files, write_files, write_shortlist

TRAINED = Path(__file__).parents[3] / "training" / "adapters"
TEXTS = ["the river", "people wanted a new bridge near the old town.", "opened", "the market closed because every road"]


class OneLinear(model_spec.ModelSpec):
    """A spec that is a single matrix."""

    def __init__(self, weight):
        super().__init__()
        self.linear = common_spec.LinearSpec()
        self.linear.weight = weight

    name, revision = "OneLinear", 1

    def get_default_config(self):
        return model_spec.ModelConfig()


@pytest.fixture
def paths(files, tmp_path):
    return write_files(tmp_path / "source", files)


@pytest.fixture
def build(tmp_path):
    folder = tmp_path / "build"
    folder.mkdir()
    return folder


def change(paths, tmp_path, **contents):
    return paths | write_files(tmp_path / "changed", contents)


def test_the_converted_student_scores_and_decodes_like_its_weights(paths, build):
    convert_bergamot(paths, build, compute_type="float32")
    processor = sentencepiece.SentencePieceProcessor(model_file=str(build / "tokenizer.spm"))
    adapter = {name: array.astype(np.float32) for name, array in load(paths["adapter"].read_bytes()).items()}
    reference = MarianForward(read_student(paths["model"]).weights, heads=2, adapter=adapter)
    translator = ctranslate2.Translator(str(build), intra_threads=1)
    sources = processor.encode(TEXTS, out_type=str)
    outputs = translator.translate_batch(sources, beam_size=1, disable_unk=True, max_decoding_length=20)
    for text, output in zip(TEXTS, outputs, strict=True):
        tokens = processor.piece_to_id(output.hypotheses[0])
        chosen = reference.choose([*processor.encode(text), END], tokens)
        assert chosen[:20] == [*tokens, END][:20]
    for text, score in zip(TEXTS, translator.score_batch(sources, sources), strict=True):
        target = processor.encode(text)
        rows = reference.decode(reference.encode([*target, END]), target)
        expected = [row[token] for row, token in zip(rows, [*target, END], strict=True)]
        np.testing.assert_allclose(score.log_probs, expected, atol=1e-4)


def test_the_vocabulary_map_restricts_the_output_to_the_shortlist(paths, build, tmp_path, monkeypatch):
    monkeypatch.setattr("polygist_service.store.convert.vocabulary_map.ALWAYS_IN", 3)
    size = len(sentencepiece.SentencePieceProcessor(model_file=str(paths["vocabulary"])))
    lexicon = write_shortlist([[0, 4 + source % 2] for source in range(size)])
    convert_bergamot(change(paths, tmp_path, shortlist=lexicon), build, compute_type="int8")
    processor = sentencepiece.SentencePieceProcessor(model_file=str(build / "tokenizer.spm"))
    first, *lines = (build / "vmap.txt").read_text(encoding="utf-8").splitlines()
    assert first == "\t" + " ".join(processor.id_to_piece([0, 1, 2]))
    assert [line.split("\t") for line in lines] == [
        [processor.id_to_piece(source), processor.id_to_piece(4 + source % 2)] for source in range(size)
    ]
    sources = processor.encode(TEXTS, out_type=str)
    outputs = ctranslate2.Translator(str(build), intra_threads=1).translate_batch(
        sources, beam_size=1, use_vmap=True, max_decoding_length=20
    )
    allowed = set(processor.id_to_piece([0, 1, 2, 4, 5]))
    assert {piece for output in outputs for piece in output.hypotheses[0]} <= allowed


def test_learnt_candidates_join_the_shortlist_and_take_its_place_where_a_piece_is_known(paths, build, tmp_path):
    processor = sentencepiece.SentencePieceProcessor(model_file=str(paths["vocabulary"]))
    size = len(processor)
    lexicon = write_shortlist([[4, 6] for _ in range(size)])
    learnt = [[7] if source in (5, 6) else [] for source in range(size)]
    offsets = np.cumsum([0, *map(len, learnt)]).astype(np.uint64)
    written = Candidates(
        np.array([0, 1, 6], np.uint16), Shortlist(offsets, np.array([7, 7], np.uint32)), np.array([2, 6], np.uint16)
    )
    write_candidates(written, tmp_path / "candidates")
    (tmp_path / "any").touch()
    assert (tmp_path / "candidates").stat().st_mode == (tmp_path / "any").stat().st_mode  # others may read it too
    read = read_candidates(tmp_path / "candidates")
    assert [read.learnt[source].tolist() for source in range(size)] == learnt
    convert_bergamot(
        change(paths, tmp_path, shortlist=lexicon) | {"candidates": tmp_path / "candidates"}, build, compute_type="int8"
    )
    first, *lines = (build / "vmap.txt").read_text(encoding="utf-8").splitlines()
    assert first == "\t" + " ".join(processor.id_to_piece([0, 1, 6]))
    expected = {source: [4] for source in range(size)} | {5: [4, 7], 6: [7]}
    del expected[2]
    assert [line.split("\t") for line in lines] == [
        [processor.id_to_piece(source), " ".join(processor.id_to_piece(targets))]
        for source, targets in sorted(expected.items())
    ]


def test_candidates_that_are_none_or_of_another_vocabulary_are_refused(paths, build, tmp_path):
    (tmp_path / "other").write_bytes(save({"x": np.ones(2, np.float16)}, metadata={"format": "pt"}))
    with pytest.raises(StoreError, match="format 'pt'"):
        convert_bergamot(paths | {"candidates": tmp_path / "other"}, build, compute_type="int8")
    small = Shortlist(np.zeros(3, np.uint64), np.zeros(0, np.uint32))
    write_candidates(Candidates(np.zeros(0, np.uint16), small, np.zeros(0, np.uint16)), tmp_path / "small")
    with pytest.raises(StoreError, match="shortlist is for 2 and "):
        convert_bergamot(paths | {"candidates": tmp_path / "small"}, build, compute_type="int8")


def test_the_same_files_give_the_same_bytes(paths, build, tmp_path):
    again = tmp_path / "again"
    again.mkdir()
    for folder in (build, again):
        convert_bergamot(paths, folder, compute_type="int8")
    assert {path.name: path.read_bytes() for path in build.iterdir()} == {
        path.name: path.read_bytes() for path in again.iterdir()
    }


def test_an_adapter_in_8_bit_rows_gives_the_same_bytes_as_the_weights_it_was_made_of(paths, build, tmp_path):
    packed, rows = tmp_path / "packed.safetensors", tmp_path / "rows"
    write_adapter(load(paths["adapter"].read_bytes()), packed)
    rows.mkdir()
    convert_bergamot(paths, build, compute_type="int8")
    convert_bergamot(paths | {"adapter": packed}, rows, compute_type="int8")
    assert {path.name: path.read_bytes() for path in build.iterdir()} == {
        path.name: path.read_bytes() for path in rows.iterdir()
    }


def test_the_adapters_that_come_with_polygist_are_the_weights_as_trained(tmp_path):
    names = {path.name for path in PACKAGED.glob("adapter.*")}
    assert len(names) == 2
    for name in names:
        write_adapter(load_file(TRAINED / name), tmp_path / name)
        assert (tmp_path / name).read_bytes() == (PACKAGED / name).read_bytes(), name
        assert (PACKAGED / name).stat().st_size < 0.52 * (TRAINED / name).stat().st_size


def test_a_student_of_another_architecture_is_refused(paths, build, tmp_path):
    other = make_student_files(options=OPTIONS.replace("dec-cell: ssru", "dec-cell: gru"))
    with pytest.raises(StoreError, match=r"dec-cell='gru'.*'ssru'"):
        convert_bergamot(change(paths, tmp_path, model=other["model"]), build, compute_type="int8")


def test_an_adapter_that_is_none_is_refused(paths, build, tmp_path):
    other = save({"x": np.ones(2, np.float16)}, metadata={"format": "pt"})
    with pytest.raises(StoreError, match="format 'pt'"):
        convert_bergamot(change(paths, tmp_path, adapter=other), build, compute_type="int8")


def test_a_shortlist_of_another_vocabulary_is_refused(paths, build, tmp_path):
    with pytest.raises(StoreError, match="shortlist is for 2 pieces"):
        convert_bergamot(change(paths, tmp_path, shortlist=write_shortlist([[0], [1]])), build, compute_type="int8")


@given(
    weight=arrays.arrays(
        np.float32,
        arrays.array_shapes(min_dims=2, max_dims=2, max_side=8),
        # Below 2**-60, the limit divided by the largest weight is no float any more; no model has such weights.
        elements=st.sampled_from([-1, 1]).flatmap(
            lambda sign: st.just(0.0) | st.floats(2**-60, 9, width=32).map(lambda value: sign * value)
        ),
    ),
    limit=st.sampled_from([LARGEST_WITHOUT_VNNI, LARGEST]),
)
def test_8_bit_weights_keep_within_half_a_step_and_below_the_limit(weight, limit):
    spec = OneLinear(weight)
    quantise(spec, "int8", limit)
    integers, scales = spec.linear.weight.numpy(), spec.linear.weight_scale.numpy()
    assert integers.dtype == np.int8
    assert np.abs(integers.astype(int)).max() <= limit
    steps = np.abs(weight).max(axis=1, keepdims=True) / limit
    assert (np.abs(integers / scales[:, None] - weight) <= steps * 0.501).all()
