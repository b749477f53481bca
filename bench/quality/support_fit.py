"""Fit the least support of a written sentence to experts' judgements: ``python -m bench.quality.support_fit``.

The experts of SummEval judged whole summaries. All sentences of a summary that is consistent through and through are
borne out by their article, so the threshold is set on those: it keeps 95 % of them, of both halves of the articles
together. How well that carries over is seen where it is fitted on one half and tried on the other.
"""

import argparse
import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from polygist_service.summarisation.grounding.support import LEAST_SUPPORT, SIMILARITY_WEIGHT

from bench.quality.engine import open_engine
from bench.quality.report import Cell, Table, say
from bench.quality.sets import DataFolder
from bench.quality.summeval import SET, Judged, read_judged
from bench.quality.svg_chart import Line, draw

PICTURE = Path(__file__).with_name("support_fit.svg")
KEPT = 0.95
WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
HALVES = ("even articles", "odd articles")
STEPS = 101


def main() -> None:
    """Read the command line, fit, print the tables, draw the curve."""
    parser = argparse.ArgumentParser(prog="python -m bench.quality.support_fit", description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("POLYGIST_DATA"), help="folder of the data sets")
    parser.add_argument("--home", type=Path, help="folder of the installed models (default: the server's own)")
    parser.add_argument("--svg", type=Path, default=PICTURE, help="where the curve goes")
    arguments = parser.parse_args()
    if arguments.data is None or not DataFolder(arguments.data).has(f"{SET}.judgements.jsonl"):
        parser.error(f"no {SET}.judgements.jsonl; give --data FOLDER or set POLYGIST_DATA")
    judged = asyncio.run(_read(DataFolder(arguments.data), arguments.home))
    for table in (tabulate_fits(judged), tabulate_thresholds(judged)):
        print(table.to_markdown(), end="\n\n")
    arguments.svg.write_text(picture(judged), encoding="utf-8")
    say(f"the curve is {arguments.svg}")


async def _read(data: DataFolder, home: Path | None) -> list[Judged]:
    async with open_engine(home) as engine:
        return await read_judged(engine, data, say)


def kendall_tau(some: Sequence[float], others: Sequence[float]) -> float:
    """Rank correlation with ties, tau-b (Kendall, 1945); raises ValueError where one side is all the same."""
    signs = [np.sign(np.subtract.outer(values, values)) for values in (np.asarray(some), np.asarray(others))]
    norm = np.sqrt(np.prod([np.sum(sign**2) for sign in signs]))
    if norm == 0:
        raise ValueError("nothing to rank: all values of one side are the same")
    return float(np.sum(signs[0] * signs[1]) / norm)


def sentences(judged: Sequence[Judged], weight: float, *, consistent: bool) -> NDArray[np.float64]:
    """The scores of all sentences of the summaries that are consistent, or of those that are not."""
    return np.concatenate([each.scores(weight) for each in judged if each.is_consistent == consistent])


def fit(judged: Sequence[Judged], weight: float) -> float:
    """The highest threshold that keeps 95 % of the sentences of consistent summaries."""
    scores = np.sort(sentences(judged, weight, consistent=True))
    return float(scores[int((1 - KEPT) * len(scores))])


def tabulate_fits(judged: Sequence[Judged]) -> Table:
    """For each weight, the threshold of each half and of both, and what it does to the other half."""
    rows: list[tuple[Cell, ...]] = []
    halves = [[each for each in judged if each.article % 2 == rest] for rest in range(2)]
    for weight in WEIGHTS:
        tau = kendall_tau([each.scores(weight).mean() for each in judged], [each.consistency for each in judged])
        for name, fitted, tried in (
            *zip(HALVES, halves, reversed(halves), strict=True),
            ("both halves", judged, judged),
        ):
            threshold = fit(fitted, weight)
            rows.append(
                (
                    weight,
                    tau,
                    name,
                    threshold,
                    *_outcome(fitted, weight, threshold),
                    *_outcome(tried, weight, threshold),
                )
            )
    columns = (
        "weight of similarity",
        "tau",
        "fitted on",
        "threshold",
        "kept, %",
        "replaced, %",
        "other: kept, %",
        "other: replaced, %",
    )
    notes = (
        f"tau: Kendall's, of the mean score of a summary's sentences and the experts' consistency, {len(judged)} "
        "summaries. kept: of the sentences of consistent summaries. replaced: of the sentences of the others, not all "
        "of which are wrong. other: the same on the half that it is not fitted on; in the last row, on both.",
    )
    return Table("Support against experts' consistency", columns, tuple(rows), notes)


def _outcome(judged: Sequence[Judged], weight: float, threshold: float) -> tuple[float, float]:
    kept = np.mean(sentences(judged, weight, consistent=True) >= threshold)
    replaced = np.mean(sentences(judged, weight, consistent=False) < threshold)
    return 100 * float(kept), 100 * float(replaced)


def tabulate_thresholds(judged: Sequence[Judged]) -> Table:
    """What thresholds find of the summaries that are not consistent, with the weight that is in use."""
    rows: list[tuple[Cell, ...]] = []
    for threshold in (*np.arange(0.3, 0.95, 0.1), LEAST_SUPPORT):
        found = [each for each in judged if each.scores(SIMILARITY_WEIGHT).min() < threshold]
        right = sum(not each.is_consistent for each in found)
        wrong = sum(not each.is_consistent for each in judged)
        precision = 100 * right / len(found) if found else None
        outcome = _outcome(judged, SIMILARITY_WEIGHT, threshold)
        rows.append((float(threshold), len(found), precision, 100 * right / wrong, *outcome))
    columns = ("threshold", "summaries found", "precision, %", "recall, %", "sentences kept, %", "replaced, %")
    notes = (
        f"A summary is found where one sentence or more is below the threshold. Precision and recall: of finding those "
        f"that some expert calls not fully consistent, {wrong} of {len(judged)}. The last row is what the server uses.",
    )
    return Table("Thresholds", columns, tuple(rows), notes)


def picture(judged: Sequence[Judged]) -> str:
    """The curve: how many sentences of either kind a threshold keeps or replaces, for each half."""
    lines = []
    for rest, name in enumerate(HALVES):
        half = [each for each in judged if each.article % 2 == rest]
        outcomes = [(at, _outcome(half, SIMILARITY_WEIGHT, at)) for at in np.linspace(0, 1, STEPS)]
        for place, kind, colour in ((0, "kept", "#1f77b4"), (1, "replaced", "#d62728")):
            points = [(float(at), outcome[place] / 100) for at, outcome in outcomes]
            lines.append(Line(f"{kind}, {name}", colour, points, is_dashed=bool(rest)))
    title = "Sentences of consistent summaries kept, and of others replaced"
    return draw(title, lines, across="least support", mark=LEAST_SUPPORT)


if __name__ == "__main__":
    main()
