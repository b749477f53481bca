"""The figures of trust, and the fit that they rest on, on made-up judgements."""

import xml.etree.ElementTree as ElementTree
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from polygist_service.concurrency import TextPool
from polygist_service.engine.interface import Role
from polygist_service.summarisation.article import Article
from polygist_service.summarisation.grounding.support import LEAST_SUPPORT
from polygist_service.summarisation.types import Method, SummaryRequest

from bench.quality.summaries import write
from bench.quality.summeval import Judged
from bench.quality.support_fit import (
    fit,
    kendall_tau,
    picture,
    tabulate_fits,
    tabulate_thresholds,
)
from bench.quality.svg_chart import Line, draw
from tests.service.echo import EN_PT, ENCODER, EchoEngine

SVG = "{http://www.w3.org/2000/svg}"


def judged(article, consistency, *scores):
    return Judged(article, consistency, np.array(scores), np.array(scores))


# A hundred sentences of consistent summaries with supports .01 to 1, and twenty others with a tenth.
JUDGED = [judged(at, 5.0, (at + 1) / 100) for at in range(100)] + [judged(at, 2.0, 0.1) for at in range(20)]


@pytest.mark.parametrize(
    ("others", "tau"), [([1, 2, 3, 4], 1), ([4, 3, 2, 1], -1), ([2, 1, 4, 3], 1 / 3), ([1, 1, 2, 2], 4 / 24**0.5)]
)
def test_ranks_are_compared_with_ties(others, tau):
    assert kendall_tau([1, 2, 3, 4], others) == pytest.approx(tau)


def test_nothing_ranks_equal_values():
    with pytest.raises(ValueError, match="nothing to rank"):
        kendall_tau([1, 1], [1, 2])


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0])
def test_the_threshold_keeps_95_of_100_sentences(weight):
    threshold = fit(JUDGED, weight)
    assert sum(each.scores(weight).min() >= threshold for each in JUDGED if each.is_consistent) == 95


def test_the_tables_tell_what_is_kept_and_found():
    fits = tabulate_fits(JUDGED)
    assert [row[2] for row in fits.rows[:3]] == ["even articles", "odd articles", "both halves"]
    assert fits.rows[2][4] == pytest.approx(95)
    last = tabulate_thresholds(JUDGED).rows[-1]
    assert last[0] == LEAST_SUPPORT
    assert last[3] == 100, "all twenty are found"


def test_the_curve_is_a_picture_with_a_line_for_each_kind_and_half():
    root = ElementTree.fromstring(picture(JUDGED))
    assert root.tag == f"{SVG}svg"
    assert len(root.findall(f"{SVG}polyline")) == 4
    assert f"{LEAST_SUPPORT:.2f}" in [text.text for text in root.iter(f"{SVG}text")]


def test_names_in_a_curve_are_escaped():
    root = ElementTree.fromstring(draw("a & b", [Line("<c>", "red", [(0, 0), (1, 1)])], across="x", mark=0.5))
    assert "<c>" in [text.text for text in root.iter(f"{SVG}text")]


class TestTrust:
    """What needs the scorers."""

    @pytest.fixture(autouse=True)
    def trust(self):
        pytest.importorskip("rouge_score", reason="the scorers are not installed: pip install --group bench")
        from bench.quality import trust

        return trust

    def test_repetitions_are_triples_that_came_before(self, trust):
        repeated = trust.Summary(("one two three four", "one two three five"))
        assert trust.repeated_share(repeated) == pytest.approx(1 / 6)
        assert trust.repeated_share(trust.Summary(("one two",))) == 0

    @pytest.mark.parametrize(("count", "is_met"), [(2, False), (3, True), (4, False)])
    def test_three_sentences_are_asked_for(self, trust, count, is_met):
        assert trust.is_met(trust.Summary(("A sentence.",) * count)) == is_met

    async def test_figures_of_a_system(self, trust):
        article = "The bridge fell on Monday. A ferry will run all year. The school opens in May."
        records = [{"article": article, "summary": "The bridge fell.", "language": "en"}]
        sentences = ("The bridge fell on Monday.", "A ferry will run all year.", "It cost Jane 9 pence.")
        summary = trust.Summary(sentences, replaced_count=1, checked_count=3, seconds=2.0)
        row = await trust.measure_system(EchoEngine(), ENCODER, records, [summary])
        figures = dict(zip(trust.COLUMNS[3:], row, strict=True))
        assert figures["supported, %"] == figures["facts found, %"] == pytest.approx(200 / 3)
        assert figures["replaced, %"] == pytest.approx(100 / 3)
        assert figures["length met, %"] == 100
        assert figures["repeated, %"] == 0
        assert figures["s an article"] == 2
        assert figures["R-1"] > 0

    async def test_support_is_measured_as_the_checker_does(self, trust):
        article = Article.parse("The bridge fell on Monday. A ferry will run.", "en")
        copied, invented = await trust.find_support(EchoEngine(), ENCODER, article, ["A ferry will run.", "Penguins!"])
        assert copied.score == pytest.approx(1, abs=1e-3)
        assert invented.score < LEAST_SUPPORT

    async def test_a_model_is_measured_before_and_after_it_is_checked(self):
        writer = replace(EN_PT, name="bart", role=Role.SUMMARISATION, target_languages=("en",), max_input_tokens=512)
        text = "The bridge fell on Monday. A ferry will run all year. The school opens in May."
        request = SummaryRequest(contents=[text, text], source="en", method=Method.ABSTRACTIVE, max_sentences=1)
        engine = EchoEngine(writer, ENCODER, answer=lambda _: "The bridge fell on Tuesday.")
        with closing(TextPool(1)) as pool:
            # No time at all is enough for one article.
            ((written, shown),) = await write(engine, pool, writer, request, seconds=0)
        assert written.sentences == ("The bridge fell on Tuesday.",)
        assert shown.sentences == ("The bridge fell on Monday.",)
        assert (shown.replaced_count, shown.checked_count) == (1, 1)
