"""Extractive summaries beside the encoder alone; and whether speed changes what is answered."""

import sys
from dataclasses import replace
from statistics import mean

from polygist_client import Client

from bench.quality.invariance import share_identical
from bench.speed.bench import Bench
from bench.speed.figures import Spread
from bench.speed.findings import Finding, Result
from bench.speed.plan import SUMMARISE, Stream
from bench.speed.sides import NATIVE
from bench.speed.window import Window

ARTICLES, WORDS, CALLERS = 48, 400, 16
RATIO, RATIO_AIM = 0.90, 0.95
ENCODER_ROLE = "encoder"
# The batch that the encoder alone is best with is looked for.
ENCODER_BATCHES = (8, 16, 32)
CASES = 1000
LEAST_IDENTICAL = 99.5


def measure_summaries(bench: Bench) -> Result:
    """Summaries of articles of 400 words, beside the vectors of their sentences alone."""
    articles = [bench.corpus.article(WORDS, start=20 * at).text for at in range(ARTICLES)]
    words = mean(len(article.split()) for article in articles)
    texts = bench.texts("articles", articles)
    encoder = next(name for name, role in bench.roles().items() if role == ENCODER_ROLE)
    short = replace(bench.setting, seconds=1.0, warm_up=0.3)
    setting = replace(bench.setting, seconds=min(5.0, bench.setting.seconds))

    def embed(batch: int, *, quick: bool = False) -> Window:
        program = (sys.executable, "-m", "bench.speed.encoder", "--model", str(setting.model_folder(encoder)))
        told = ("--texts", texts, "--batch", str(batch), "--threads", str(setting.layout.slots))
        run = short if quick else setting
        return run.run_program((*program, *told), cores=setting.layout.engine, environment=NATIVE)

    best = max(ENCODER_BATCHES, key=lambda batch: embed(batch, quick=True).words_per_second)
    ratios, rates, tokens = [], [], []
    with bench.serve() as server:
        for number in range(1, bench.rounds + 1):
            raw = embed(best)
            recording = bench.send(
                server, Stream("articles", texts, callers=CALLERS, method=SUMMARISE), seconds=setting.seconds
            )
            served = recording.window()
            ratios.append(served.words_per_second / raw.words_per_second)
            tokens.append((served.tokens / served.words) / (raw.tokens / raw.words))
            rates.append(served.words_per_second / words)
            bench.say(f"summaries: round {number} of {bench.rounds}: {ratios[-1]:.2f}")
    ratio = Spread.of(ratios)
    return Result([
        Finding(f"summaries / the encoder alone in batches of {best}", ratio.median, "", ratio, RATIO, RATIO_AIM),
        Finding("summaries of 400-word articles", Spread.of(rates).median, "1/s", Spread.of(rates)),
        Finding("tokens that the service read / those of the encoder alone, of the same articles", mean(tokens)),
    ])  # fmt: skip


def measure_invariance(bench: Bench) -> Result:
    """The same text alone on an idle server and in full batches."""
    sentences = bench.corpus.sentences[:CASES]
    with bench.serve() as server, Client(server.address) as client:
        alone = [client.translate(text, to="pt", source="en").text for text in sentences]
        together = [each.text for each in client.translate_many(sentences, to="pt", source="en")]
        batch = [each.text for each in client.translate(sentences, to="pt", source="en")]
    return Result([
        Finding(f"of {len(sentences)} sentences the same alone and in a stream", share_identical(alone, together), "%",
                bar=LEAST_IDENTICAL),
        Finding(f"of {len(sentences)} sentences the same alone and in one request", share_identical(alone, batch), "%",
                bar=LEAST_IDENTICAL),
    ])  # fmt: skip
