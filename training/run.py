"""A run: weights in training, and the checkpoint from which it goes on after it was stopped."""

import json
import math
import os
import random
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import torch
from safetensors.torch import load_file
from torch import Tensor

from training.objective import (
    Answer,
    Batch,
    add_layer,
    ask_original,
    compare,
    count_kept_layers,
    count_layers,
    freeze,
    join_student,
    make_batch,
    start_student,
)
from training.reference import Model
from training.text import Corpus, draw_batches

CHECKPOINT, SETTINGS = "checkpoint.pt", "settings.json"
CLIP = 1.0
KEPT = 256  # answers of the original that wait for their next use; 7 MB each with 4,500 tokens of 256 values

Question = tuple[Batch, Answer]
"""A batch, and what the original computes for it."""


@dataclass(frozen=True)
class Settings:
    """What makes a run the run that it is."""

    pair: str
    text: list[str]
    turned_text: list[str]
    start: str
    train: list[str]
    layers: int
    minutes: float
    peak: float
    warm_up: float
    tokens: int
    share: float
    distance: float
    average: float
    uses: int
    seed: int


@dataclass
class Progress:
    """How far a run is: seconds it computed, steps, target tokens, passes over the text, batches of the present one."""

    seconds: float = 0.0
    steps: int = 0
    tokens: int = 0
    passes: int = 0
    batches: int = 0


class Run:
    """The weights in training, their average, and all that a checkpoint holds.

    Args:
        folder: of the run.
        original: in float32.
        corpus: what is trained on.
    """

    def __init__(self, settings: Settings, folder: Path, original: Model, corpus: Corpus, device: str) -> None:
        self.settings, self.folder, self.corpus, self.device = settings, folder, corpus, device
        self.kind = torch.bfloat16 if has_bfloat16(device) else torch.float32
        self.original = freeze(original, self.kind)
        self.progress = Progress()
        self.generator = torch.Generator().manual_seed(settings.seed)
        trained = start_student(original, self.generator)
        if settings.start:
            trained = {name: w.float().to(device) for name, w in load_file(settings.start).items()}
        while count_layers(trained) < settings.layers:
            trained = add_layer(trained)
        chosen = [name for name in original.weights if any(name.startswith(each) for each in settings.train)]
        trained |= {name: original[name].clone() for name in chosen if name not in trained}
        self.trained = {name: w.requires_grad_() for name, w in trained.items()}
        self.averaged = {name: w.detach().clone() for name, w in trained.items()}
        self.kept_layers = count_kept_layers(self.student(self.trained))
        self.optimiser = torch.optim.AdamW(self.trained.values(), lr=settings.peak)

    @property
    def share(self) -> float:
        """How much of the run is done."""
        return min(1.0, self.progress.seconds / 60 / self.settings.minutes)

    def student(self, trained: dict[str, Tensor]) -> Model:
        """Ours, with some weights in place of those in training."""
        return join_student(self.original, trained)

    def train(self) -> Iterator[dict[str, float]]:
        """Train until the time is over; yields after each step what it came to."""
        questions = self.repeat(self.ask())
        while self.share < 1:
            started = time.monotonic()
            parts = self.step(*next(questions))
            self.progress.seconds += time.monotonic() - started
            yield parts

    def ask(self) -> Iterator[Question]:
        """Batches with the original's answers, pass after pass, from where the run stands."""
        while True:
            seed = self.settings.seed + self.progress.passes
            batches = draw_batches(self.corpus.measure(), self.settings.tokens, seed)
            for pairs in batches[self.progress.batches :]:
                self.progress.batches += 1
                yield self.answer(pairs)
            self.progress.passes, self.progress.batches = self.progress.passes + 1, 0

    def repeat(self, questions: Iterator[Question]) -> Iterator[Question]:
        """Each question, and now and then one of those before it: each comes `uses` times, long after another."""
        kept: list[Question] = []
        chance = random.Random(self.settings.seed + self.progress.steps)
        for question in questions:
            yield question
            kept += [question] * (self.settings.uses - 1)
            if len(kept) > KEPT:
                for _ in range(self.settings.uses - 1):
                    at = chance.randrange(len(kept))
                    kept[at], kept[-1] = kept[-1], kept[at]
                    yield kept.pop()

    def answer(self, pairs: list[int]) -> Question:
        """A batch, and what the original says to it."""
        batch = make_batch(*self.corpus.read(pairs), self.device)
        with self.products():
            answer = ask_original(self.original, batch, self.kept_layers)
        return batch, answer.to(self.kind)

    def products(self) -> torch.autocast:
        """The number format that products are computed in."""
        is_reduced = self.kind != torch.float32
        return torch.autocast(torch.device(self.device).type, dtype=torch.bfloat16, enabled=is_reduced)

    def step(self, batch: Batch, answer: Answer) -> dict[str, float]:
        """One step of the optimiser on one batch."""
        settings, share = self.settings, self.share
        with self.products():
            loss = compare(
                self.original, self.student(self.trained), batch, answer, share=settings.share, generator=self.generator
            )
        rate = settings.peak * schedule(share, settings.warm_up)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad()
        (loss.divergence + settings.distance * (1 - 0.9 * share) * loss.distance).backward()
        torch.nn.utils.clip_grad_norm_(self.trained.values(), CLIP)
        self.optimiser.step()
        with torch.no_grad():
            for name, averaged in self.averaged.items():
                averaged.lerp_(self.trained[name].detach(), 1 - settings.average)
        self.progress.steps += 1
        self.progress.tokens += int(batch.real_target.sum())
        return {"divergence": loss.divergence.item(), "distance": loss.distance.item(), "rate": rate}

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        beside = self.folder / f"{CHECKPOINT}.new"
        torch.save(
            {
                "progress": asdict(self.progress),
                "trained": {name: w.detach() for name, w in self.trained.items()},
                "averaged": self.averaged,
                "optimiser": self.optimiser.state_dict(),
                "generator": self.generator.get_state(),
            },
            beside,
        )
        os.replace(beside, self.folder / CHECKPOINT)

    def resume(self) -> bool:
        """Go on from the checkpoint, if there is one."""
        path = self.folder / CHECKPOINT
        if not path.exists():
            return False
        stored = torch.load(path, map_location=self.device)
        self.progress = Progress(**stored["progress"])
        with torch.no_grad():
            for name, w in stored["trained"].items():
                self.trained[name].copy_(w)
        self.averaged = stored["averaged"]
        self.optimiser.load_state_dict(stored["optimiser"])
        self.generator.set_state(stored["generator"].cpu())
        return True


def has_bfloat16(device: str) -> bool:
    """Whether products of bfloat16 are computed by the device, not imitated."""
    if device != "cpu":
        return torch.cuda.is_bf16_supported()
    flags = Path("/proc/cpuinfo")
    return flags.exists() and any(name in flags.read_text() for name in ("avx512_bf16", "amx_bf16"))


def schedule(share: float, warm_up: float) -> float:
    """Share of the peak rate after a share of the run: a line up, then a cosine down to one hundredth."""
    if share < warm_up:
        return max(0.001, share / warm_up)
    return 0.01 + 0.99 * (1 + math.cos(math.pi * (share - warm_up) / (1 - warm_up))) / 2


def open_run(folder: Path, settings: Settings) -> None:
    """Make the folder of a run, or see that the one that is there was started with the same settings.

    Raises:
        click.UsageError: it was started with others.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / SETTINGS
    given = asdict(settings)
    if path.exists() and (stored := json.loads(path.read_text())) != given:
        other = ", ".join(f"{name} {stored.get(name)!r}" for name in given if stored.get(name) != given[name])
        raise click.UsageError(f"{folder} was started with {other}: give the same, or another --run")
    path.write_text(json.dumps(given, indent=1))
