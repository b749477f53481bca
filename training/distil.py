"""Trains a self-attention decoder to compute what a Bergamot student's recurrent decoder computes.

A run is a folder: what it was started with, a checkpoint from which it goes on when it is started again, a log, and at
its end the adapter, the model that is made of it, and what that is worth. It lasts for a time, along which the learning
rate goes up and falls to one hundredth, whatever the machine manages in it.
"""

import json
import shutil
import signal
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from threading import Event

import click
import torch
from sentencepiece import SentencePieceProcessor

from training.divergence import measure_divergence
from training.export import write_adapters
from training.originals import find_original
from training.reference import load_original
from training.run import Run, Settings, open_run
from training.scores import ParallelSet, convert, read_set, score
from training.text import Corpus, encode_pairs, read_pairs, vary

LOG, MODEL = "log.jsonl", "model"
FIRST_REPORT = 0.5  # minutes: what is wrong from the start is seen soon

existing_file = click.Path(path_type=Path, exists=True, dir_okay=False)
folder = click.Path(path_type=Path, file_okay=False)


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
    return sets


@click.command(help=__doc__)
@click.option("--pair", required=True, help="Names the adapter: enpt, pten, ...")
@click.option("--original", type=folder, help="Folder of the student; those of the catalogue are fetched without it.")
@click.option("--text", multiple=True, required=True, type=existing_file, help="Pairs, from training.translate.")
@click.option("--turned-text", multiple=True, type=existing_file, help="Pairs of the other direction, taken backwards.")
@click.option("--minutes", default=90.0, show_default=True, help="Computing time of the whole run.")
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, or auto: cuda where there is one.")
@click.option("--run", "run_folder", type=folder, help="Folder of the run.  [default: run-PAIR]")
@click.option("--measure", type=existing_file, help="Pairs to measure the divergence on, never trained on.")
@click.option("--score", "sets", multiple=True, callback=read_sets, help="SOURCES,REFERENCES[,...]: BLEU at the end.")
@click.option("--start", type=existing_file, help="Weights to start from, instead of the original's.")
@click.option("--train", multiple=True, help="Begin of names of weights to train too, such as encoder_l6.")
@click.option("--layers", default=0, help="Layers of the decoder, if more than it starts with.")
@click.option("--peak", default=2e-3, show_default=True, help="Highest learning rate.")
@click.option("--warm-up", default=0.02, show_default=True, help="Share of the run to get there.")
@click.option("--tokens", default=4500, show_default=True, help="Target tokens of a batch.")
@click.option("--share", default=0.15, show_default=True, help="Share of positions whose outputs are compared.")
@click.option("--distance", default=1.0, show_default=True, help="Weight of the hidden states' distance at first.")
@click.option("--average", default=0.998, show_default=True, help="Share that the average of weights keeps in a step.")
@click.option("--uses", default=2, show_default=True, help="Steps in which an answer of the original is used.")
@click.option("--report", default=5.0, show_default=True, help="Minutes between two checkpoints and measurements.")
@click.option("--seed", default=1, show_default=True)
def main(pair, original, text, turned_text, device, run_folder, measure, sets, start, train, report, **numbers):
    device = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    settings = Settings(
        pair=pair,
        text=[str(path) for path in text],
        turned_text=[str(path) for path in turned_text],
        start=str(start or ""),
        train=list(train),
        **numbers,
    )
    run_folder = run_folder or Path(f"run-{pair}")
    open_run(run_folder, settings)
    files = find_original(pair, original, run_folder / "original")
    model, vocabulary = load_original(files, device)
    click.echo(f"on {device}; reading the text", err=True)
    corpus = load_corpus(settings, vocabulary)
    click.echo(f"{len(corpus)} pairs, {corpus.measure()[:, 1].sum()} target tokens", err=True)
    measured = encode_pairs(vocabulary, read_pairs(measure)) if measure else None
    run = Run(settings, run_folder, model, corpus, device)
    if run.resume():
        click.echo(f"goes on after {run.progress.seconds / 60:.1f} of {settings.minutes:g} minutes", err=True)
    follow(run, measured, report)
    adapter = write_adapters(run.averaged, run_folder, pair)
    served = run_folder / MODEL
    shutil.rmtree(served, ignore_errors=True)  # of this run, when it was started again
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
    """Train to the end of the run; now and then save, measure and tell. SIGTERM ends it after the step, saved."""
    stopped = Event()
    signal.signal(signal.SIGTERM, lambda number, frame: stopped.set())
    due = run.progress.seconds / 60 + min(report, FIRST_REPORT)
    for parts in run.train():
        minutes = run.progress.seconds / 60
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
        with (run.folder / LOG).open("a", encoding="utf-8") as log:
            log.write(json.dumps(record) + "\n")
        click.echo(" ".join(f"{key} {value:.4g}" for key, value in record.items()))


if __name__ == "__main__":
    main()
