"""Trains a self-attention decoder to compute what a Bergamot student's recurrent decoder computes.

A run is a folder: what it was started with, a checkpoint from which it goes on when it is started again, a log, and at
its end the adapter, the model that is made of it, and what that is worth. It lasts for a time, along which the learning
rate goes up and falls to one hundredth, whatever the machine manages in it.
"""

import json
import math
import shutil
import signal
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from threading import Event

import click
from sentencepiece import SentencePieceProcessor

from training.divergence import measure_divergence
from training.export import write_adapters
from training.options import Command, Number, check_pair, choose_device, existing_file, folder, writing
from training.originals import find_original
from training.reference import load_original
from training.run import Run, Settings, hash_files, hold, open_run
from training.scores import ParallelSet, convert, read_set, score
from training.text import LONGEST, Corpus, encode_pairs, read_pairs, vary

LOG, MODEL = "log.jsonl", "model"
DEPTH = click.IntRange(0, 16)  # of a decoder; ours have 2, and a typing error is told at once
FIRST_REPORT = 0.5  # minutes: what is wrong from the start is seen soon
POSITIVE, SOME, SHARE = Number(0, min_open=True), Number(0, 1, min_open=True), Number(0, 1, max_open=True)


def read_sets(context: click.Context, parameter: click.Parameter, values: Sequence[str]) -> list[ParallelSet]:
    """Sets of sentences and their references, each given as FILE,FILE[,FILE]."""
    sets = []
    for value in values:
        paths = [Path(path) for path in value.split(",")]
        missing = [str(path) for path in paths if not path.is_file()]
        if len(paths) < 2 or missing:
            wrong = f"no file {missing[0]}" if missing else "no reference"
            raise click.BadParameter(f"{value!r}: {wrong}; give SOURCES,REFERENCES[,REFERENCES]")
        sets.append(read_set(paths))
        counts = [len(lines) for lines in (sets[-1].sources, *sets[-1].references)]
        if len({0, *counts}) != 2:
            raise click.BadParameter(
                f"{value!r}: {counts} lines; give files of as many lines, each other's translations"
            )
    return sets


@click.command(cls=Command, help=__doc__, context_settings={"show_default": True})
@click.option("--pair", required=True, callback=check_pair, help="Names the adapter: enpt, pten, ...")
@click.option("--original", type=folder, help="Folder of the student; those of the catalogue are fetched without it.")
@click.option("--text", multiple=True, required=True, type=existing_file, help="Pairs, from training.translate.")
@click.option("--turned-text", multiple=True, type=existing_file, help="Pairs of the other direction, taken backwards.")
@click.option("--given", multiple=True, type=existing_file, help="Pairs whose targets are learnt as they are: names.")
@click.option("--given-share", type=SHARE, default=0.1, help="Share of steps on such pairs.")
@click.option("--minutes", type=POSITIVE, default=90.0, help="Computing time of the whole run.")
@click.option("--device", default="auto", callback=choose_device, help="cpu, cuda, or auto: cuda where there is one.")
@click.option("--run", "run_folder", type=folder, help="Folder of the run.  [default: run-PAIR]")
@click.option("--measure", type=existing_file, help="Pairs to measure the divergence on, never trained on.")
@click.option("--score", "sets", multiple=True, callback=read_sets, help="SOURCES,REFERENCES[,...]: BLEU at the end.")
@click.option("--start", type=existing_file, help="Weights to start from, instead of the original's.")
@click.option("--train", multiple=True, help="Begin of names of weights to train too, such as encoder_l6.")
@click.option("--layers", type=DEPTH, default=0, help="Layers of the decoder, if more than it starts with.")
@click.option("--peak", type=POSITIVE, default=2e-3, help="Highest learning rate.")
@click.option("--warm-up", type=SHARE, default=0.02, help="Share of the run to get there.")
@click.option("--tokens", type=click.IntRange(1), default=4500, help="Target tokens of a batch.")
@click.option("--share", type=SOME, default=0.15, help="Share of positions whose outputs are compared.")
@click.option("--distance", type=Number(0), default=1.0, help="Weight of the hidden states' distance at first.")
@click.option("--average", type=SHARE, default=0.998, help="What the average of weights keeps in a step, at most.")
@click.option("--uses", type=click.IntRange(1), default=2, help="Steps in which an answer of the original is used.")
@click.option("--report", type=POSITIVE, default=5.0, help="Minutes between two checkpoints and measurements.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=1)
def main(pair, original, text, turned_text, given, device, run_folder, measure, sets, start, train, report, **numbers):
    run_folder = run_folder or Path(f"run-{pair}")
    click.get_current_context().with_resource(hold(run_folder))
    files = find_original(pair, original, run_folder / "original")
    read = {str(path): path for path in (*text, *turned_text, *given, start) if path}
    settings = Settings(
        pair=pair,
        text=[str(path) for path in text],
        turned_text=[str(path) for path in turned_text],
        given=[str(path) for path in given],
        start=str(start or ""),
        train=list(train),
        contents=hash_files(read | {"original model": files.model, "original vocabulary": files.vocabulary}),
        **numbers,
    )
    open_run(run_folder, settings)
    model, vocabulary = load_original(files, device)
    click.echo(f"on {device}; reading the text", err=True)
    corpus = load_corpus(settings, vocabulary)
    click.echo(f"{len(corpus)} pairs, {corpus.measure()[:, 1].sum()} target tokens", err=True)
    measured = encode_pairs(vocabulary, read_pairs(measure)) if measure else None
    learnt = encode_pairs(vocabulary, [pair for path in given for pair in read_pairs(path)]) if given else None
    for option, pairs in (("--text", corpus), ("--measure", measured), ("--given", learnt)):
        if pairs is not None and not len(pairs):
            raise click.UsageError(f"{option} holds no pair of 1 to {LONGEST - 1} tokens a side: give others")
    run = Run(settings, run_folder, model, corpus, device, learnt)
    if run.resume():
        click.echo(f"goes on after {run.progress.seconds / 60:.1f} of {settings.minutes:g} minutes", err=True)
    follow(run, measured, report)
    adapter = write_adapters(run.averaged, run_folder, pair)
    served = run_folder / MODEL
    shutil.rmtree(served, ignore_errors=True)  # of this run, when it was started again
    with writing(served):
        convert(files, adapter, served)
    click.echo(f"{served}: the model; polygist-server models pull path:{served.resolve()} installs it")
    for each in score(served, sets):
        click.echo(f"{each.name}: BLEU {each.bleu:.2f}, chrF {each.chrf:.2f}")


def load_corpus(settings: Settings, vocabulary: SentencePieceProcessor) -> Corpus:
    """Read, vary and tokenise all texts of a run."""
    pairs = []
    for is_turned, paths in ((False, settings.text), (True, settings.turned_text)):
        for number, path in enumerate(paths):
            pairs += vary(read_pairs(Path(path), turned=is_turned), settings.seed + number)
    return encode_pairs(vocabulary, pairs)


def follow(run: Run, measured: Corpus | None, report: float) -> None:
    """Train to the end of the run; now and then save, measure and tell.

    Raises:
        click.ClickException: SIGTERM came, after which the run was saved; or the loss is not finite.
    """
    stopped = Event()
    before = signal.signal(signal.SIGTERM, lambda number, frame: stopped.set())
    try:
        go_on(run, measured, report, stopped)
    finally:
        signal.signal(signal.SIGTERM, before)


def go_on(run: Run, measured: Corpus | None, report: float, stopped: Event) -> None:
    """As `follow` does, until `stopped`."""
    due = run.progress.seconds / 60 + min(report, FIRST_REPORT)
    for parts in run.train():
        minutes = run.progress.seconds / 60
        if not all(map(math.isfinite, parts.values())):
            raise click.ClickException(
                f"the loss of step {run.progress.steps} is not finite: give a lower --peak than {run.settings.peak:g}, "
                "and another --run"
            )
        if stopped.is_set():
            run.save()
            raise click.ClickException(f"stopped after {minutes:.1f} minutes; the same command goes on from there")
        if minutes < due and run.share < 1:
            continue
        due = minutes + report
        run.save()
        record = asdict(run.progress) | parts
        if measured:
            for name, weights in (("last", run.trained), ("averaged", run.averaged)):
                found = measure_divergence(run.original, run.student(weights), measured, run.device)
                record |= {f"{name}_divergence": found.divergence, f"{name}_agreement": found.agreement}
        with writing(run.folder / LOG), (run.folder / LOG).open("a", encoding="utf-8") as log:
            log.write(json.dumps(record) + "\n")
        click.echo(" ".join(f"{key} {value:.4g}" for key, value in record.items()))


if __name__ == "__main__":
    main()
