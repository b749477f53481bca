"""How much a tiny member of every family reads at a time: a text at the window runs, one above it is refused or cut."""

import bisect
from dataclasses import replace

import pytest
from polygist_service.engine.hardware import Placement
from polygist_service.engine.interface import Decoding, Encoding
from polygist_service.engine.residency.loader import Loader, open_model
from polygist_service.errors import StoreError
from polygist_service.store.catalogue.pull_options import PullOptions
from polygist_service.store.store import Store

from tests.parity.test_parity import FAMILIES, HERE, OPTIONS, golden

WITHOUT_POSITIONS = {"causal-lm", "madlad", "mt5", "t5"}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def opened(request, home):
    """The model of a family, installed and loaded, and a text that is longer than its window."""
    family = request.param
    (pulled,) = Store(home).pull([f"path:{HERE / family}"], options=OPTIONS.get(family, PullOptions()))
    rows = golden(family)
    text = " ".join(row["text"] for row in rows * 3 if row.get("source", "en") == rows[0].get("source", "en"))
    if family == "encoder":
        options = Encoding(max_tokens=10_000)
    else:
        options = Decoding(source=rows[0]["source"], target=rows[0]["target"], max_output_tokens=4)
    return pulled.model, open_model(pulled.model, slots=1, placement=Placement(compute_type="float32")), text, options


@pytest.mark.parametrize("opened", [name for name in FAMILIES if name != "encoder"], indirect=True)
def test_a_text_at_the_window_runs_and_one_above_is_refused(opened):
    installed, model, text, options = opened
    window = installed.description.max_input_tokens
    assert bool(installed.description.encoder_positions) == (installed.name not in WITHOUT_POSITIONS)
    near = bisect.bisect_left(range(len(text)), window, key=lambda end: model.count(text[:end]))
    cuts = [text[start:end] for start in range(10) for end in range(near - 40, near + 40)]
    texts = {model.count(cut): cut for cut in cuts}
    prompt = model.tokenise(texts[window - 1], options)
    if positions := installed.description.encoder_positions:
        assert len(prompt) == positions
    (result,) = model.run([prompt], options)
    assert result.hypotheses[0].token_count
    assert model.tokenise(texts[window], options) is None


@pytest.mark.parametrize("opened", ["encoder"], indirect=True)
def test_a_text_above_the_window_of_an_encoder_is_cut(opened):
    installed, model, text, options = opened
    assert installed.description.max_input_tokens == installed.description.encoder_positions
    tokens = model.tokenise(text, options)
    assert len(tokens) == installed.description.encoder_positions
    (result,) = model.run([tokens], options)
    assert result.vector is not None


@pytest.mark.parametrize("opened", [name for name in FAMILIES if name not in WITHOUT_POSITIONS], indirect=True)
def test_a_window_beyond_the_positions_fails_when_the_model_is_loaded(opened, home):
    installed, *_ = opened
    loader = Loader(lambda: Store(home), slots=1, place=lambda _: Placement(), open_model=open_model)
    candidate = loader.examine(installed.name)
    loader.open(candidate)
    window = installed.description.encoder_positions + 1
    wrong = replace(installed, description=replace(installed.description, max_input_tokens=window))
    with pytest.raises(StoreError, match="does not load: No position encodings are defined for positions >= 160"):
        loader.open(replace(candidate, installed=wrong))


@pytest.mark.parametrize("opened", [name for name in FAMILIES if name != "encoder"], indirect=True)
def test_an_output_ends_where_the_decoder_has_no_more_positions(opened):
    installed, model, text, options = opened
    prompt = model.tokenise(text[:20], options)
    (result,) = model.run([prompt], replace(options, max_output_tokens=300, min_output_tokens=300))
    positions = installed.description.decoder_positions
    most = positions - len(prompt.prefix) if positions else 300
    assert result.hypotheses[0].token_count == most
    assert result.hypotheses[0].limited
