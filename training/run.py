"""A run: weights in training, and the checkpoint from which it goes on after it was stopped."""

import fcntl
import hashlib
import json
import math
import os
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from zipfile import BadZipFile, ZipFile

import click
import torch
from torch import Tensor

from training.export import read_weights
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
from training.options import writing
from training.reference import Model
from training.text import Corpus, draw_batches

CHECKPOINT, SETTINGS, LOCK = "checkpoint.pt", "settings.json", "lock"
ENCODER = "encoder_l"
CLIP = 1.0
GIVEN_PAIRS = 256  # of a batch of given ones, which are names and other short texts
KEPT = 256  # answers of the original that wait for their next use; 7 MB each with 4,500 tokens of 256 values

Question = tuple[Batch, Answer]
"""A batch, and what the original computes for it."""


@dataclass(frozen=True)
class Settings:
    """What makes a run the run that it is.

    Attributes:
        contents: SHA-256 of the files that it reads: of texts by their paths.
    """

    pair: str
    text: list[str]
    turned_text: list[str]
    given: list[str]
    given_share: float
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
    contents: dict[str, str] = field(default_factory=dict)


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
        given: pairs whose targets are learnt as they are.
    """

    def __init__(
        self,
        settings: Settings,
        folder: Path,
        original: Model,
        corpus: Corpus,
        device: str,
        given: Corpus | None = None,
    ) -> None:
        self.settings, self.folder, self.corpus, self.device, self.given = settings, folder, corpus, device, given
        self.kind = torch.bfloat16 if has_bfloat16(device) else torch.float32
        self.original = freeze(original, self.kind)
        self.progress = Progress()
        self.generator = torch.Generator().manual_seed(settings.seed)
        trained = start_student(original, self.generator)
        if settings.start:
            trained = {name: w.to(device) for name, w in read_start(Path(settings.start), original, trained).items()}
        trained = grow(trained, settings.layers)
        chosen = find_encoder_weights(original, settings.train)
        trained |= {name: original[name].clone() for name in chosen if name not in trained}
        self.trained = {name: w.requires_grad_() for name, w in trained.items()}
        self.averaged = {name: w.detach().clone() for name, w in trained.items()}
        self.kept_layers = count_kept_layers(self.student(self.trained))
        self.optimiser = torch.optim.AdamW(self.trained.values(), lr=settings.peak, fused=device != "cpu")

    @property
    def share(self) -> float:
        """How much of the run is done."""
        return min(1.0, self.progress.seconds / 60 / self.settings.minutes)

    def student(self, trained: dict[str, Tensor]) -> Model:
        """Ours, with some weights in place of those in training."""
        return join_student(self.original, trained)

    def train(self) -> Iterator[dict[str, float]]:
        """Train until the time is over; yields after each step what it came to."""
        questions = self.mix(self.repeat(self.ask()))
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
                yield self.answer(make_batch(*self.corpus.read(pairs), self.device))
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

    def mix(self, questions: Iterator[Question]) -> Iterator[Question]:
        """The questions, and among them batches of given pairs, which are a share of all."""
        chance = random.Random(self.settings.seed + self.progress.steps)
        while True:
            if self.given and chance.random() < self.settings.given_share:
                pairs = chance.sample(range(len(self.given)), min(GIVEN_PAIRS, len(self.given)))
                yield self.answer(make_batch(*self.given.read(pairs), self.device, is_given=True))
            else:
                yield next(questions)

    def answer(self, batch: Batch) -> Question:
        """A batch, and what the original says to it."""
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
            kept = keep(self.progress.steps, settings.average)
            torch._foreach_lerp_(list(self.averaged.values()), list(self.trained.values()), 1 - kept)
        self.progress.steps += 1
        self.progress.tokens += int(batch.real_target.sum())
        return {"divergence": loss.divergence.item(), "distance": loss.distance.item(), "rate": rate}

    def save(self) -> None:
        """Write the checkpoint, whole or not at all.

        Raises:
            click.ClickException: the disk does not take it.
        """
        path = self.folder / CHECKPOINT
        beside = path.with_name(f"{CHECKPOINT}.new")
        stored = {
            "progress": asdict(self.progress),
            "trained": {name: w.detach() for name, w in self.trained.items()},
            "averaged": self.averaged,
            "optimiser": self.optimiser.state_dict(),
            "generator": self.generator.get_state(),
        }
        try:
            with writing(path), beside.open("wb") as file:
                torch.save(stored, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)

    def resume(self) -> bool:
        """Go on from the checkpoint, if there is one.

        Raises:
            click.ClickException: it is damaged.
        """
        path = self.folder / CHECKPOINT
        if not path.exists():
            return False
        try:
            with ZipFile(path) as archive:
                if broken := archive.testzip():  # torch does not look at checksums
                    raise BadZipFile(f"the checksum of {broken} is another")
            self.restore(torch.load(path, map_location=self.device))
        except (BadZipFile, EOFError, KeyError, RuntimeError, TypeError, UnpicklingError, ValueError) as error:
            raise click.ClickException(
                f"{path} is damaged ({error}): put a copy of it there, or delete it to train from the start"
            ) from error
        return True

    def restore(self, stored: dict) -> None:
        """Take what a checkpoint holds."""
        self.progress = Progress(**stored["progress"])
        with torch.no_grad():
            for name, w in stored["trained"].items():
                self.trained[name].copy_(w)
        self.averaged = stored["averaged"]
        self.optimiser.load_state_dict(stored["optimiser"])
        self.generator.set_state(stored["generator"].cpu())


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


def keep(steps: int, average: float) -> float:
    """Share that the average of weights keeps in a step after so many: less at first, when it is the start mostly."""
    return min(average, (1 + steps) / (10 + steps))


def read_start(path: Path, original: Model, trained: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights to start from, which may have more layers than `trained`, and layers of the encoder.

    Raises:
        click.UsageError: they are another student's.
    """
    weights = read_weights(path)
    while 1 < count_layers(trained) < count_layers(weights):
        trained = add_layer(trained)
    encoder = {name: w for name, w in original.weights.items() if name.startswith(ENCODER)}
    shapes = {name: w.squeeze().shape for name, w in (encoder | trained).items()}
    wrong = [name for name, w in weights.items() if w.squeeze().shape != shapes.get(name)]
    wrong += [name for name in trained if name not in weights]
    if wrong:
        raise click.UsageError(f"--start {path}: {wrong[0]} does not fit the original: give weights of a like student")
    return weights


def grow(trained: dict[str, Tensor], layers: int) -> dict[str, Tensor]:
    """A decoder of as many layers, if it has not; 0 leaves it as it is.

    Raises:
        click.UsageError: it has more, or but one.
    """
    found = count_layers(trained)
    if 0 < layers < found:
        raise click.UsageError(f"--layers {layers}: the decoder starts with {found}: give {found} or more")
    if found == 1 < layers:
        raise click.UsageError(f"--layers {layers}: layers are added between two, the decoder has one: leave it out")
    while count_layers(trained) < layers:
        trained = add_layer(trained)
    return trained


def find_encoder_weights(original: Model, beginnings: Sequence[str]) -> list[str]:
    """Names of weights of the encoder's layers that begin so.

    Raises:
        click.UsageError: none does, or others do too.
    """
    found = []
    for beginning in beginnings:
        names = [name for name in original.weights if name.startswith(beginning)]
        if not names or not all(name.startswith(ENCODER) for name in names):
            raise click.UsageError(
                f"--train {beginning!r}: give the begin of names of the encoder's weights, {ENCODER}1 to "
                f"{ENCODER}{original.encoder_layers}; the decoder is trained anyway, embeddings are not"
            )
        found += names
    return found


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Make the folder of a run and keep other processes from it; a process that is killed lets go of it.

    Raises:
        click.UsageError: another process has it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise click.UsageError(f"{folder} is in use by a run: wait for its end, or give another --run") from error
        yield


def hash_files(paths: Mapping[str, Path]) -> dict[str, str]:
    """SHA-256 of each file."""
    digests = {}
    for name, path in paths.items():
        with path.open("rb") as file:
            digests[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return digests


def open_run(folder: Path, settings: Settings) -> None:
    """Write down what a run is started with; if it has a checkpoint, see that it was started with the same.

    Raises:
        click.UsageError: it was started with something else.
        click.ClickException: what was written down is missing or damaged.
    """
    path = folder / SETTINGS
    given = asdict(settings)
    # Runs of before have not all settings.
    stored = given | (read_settings(path) if (folder / CHECKPOINT).exists() else {})
    other = [name for name in given if name != "contents" and stored[name] != given[name]]
    if other:
        named = ", ".join(f"{name} {stored[name]!r}" for name in other)
        raise click.UsageError(f"{folder} was started with {named}: give the same, or another --run")
    changed = [name for name, digest in settings.contents.items() if stored["contents"].get(name) != digest]
    if changed:
        raise click.UsageError(
            f"{', '.join(changed)}: not what {folder} was started with; put that back, or give another --run"
        )
    beside = path.with_name(f"{SETTINGS}.new")
    with writing(path):
        beside.write_text(json.dumps(given, indent=1))
        os.replace(beside, path)


def read_settings(path: Path) -> dict:
    """Settings of a run as they were written; raises click.ClickException if the file is missing or damaged."""
    try:
        stored = json.loads(path.read_text())
        if not isinstance(stored, dict):
            raise ValueError("no object")
    except FileNotFoundError as error:
        raise click.ClickException(
            f"{path} is missing, which tells what the checkpoint beside it was started with: put a copy of it there, "
            "or give another --run"
        ) from error
    except ValueError as error:
        raise click.ClickException(f"{path} is damaged ({error}): put it right, or give another --run") from error
    return stored
