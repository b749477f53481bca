"""What a benchmark has measured, and the same as JSON."""

import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from polygist_service.engine.speed import Window

# Of fewer windows nothing can be said for sure.
SURE_WINDOWS = 3


@dataclass(frozen=True, slots=True)
class Rate:
    """Several windows of the same work.

    Attributes:
        texts: a second, the median of the windows; of a translation model these are sentences.
        words: that are read in a second, of the same window.
        written: tokens that are written in a second, too.
        low, high: the slowest and the fastest window, in texts a second.
        windows: how many there were.
    """

    texts: float
    words: float
    written: float
    low: float
    high: float
    windows: int

    def is_above(self, other: "Rate", margin: float) -> bool:
        """Whether it is faster by a factor, and not by chance: its slowest window is above the other's fastest."""
        is_sure = self.low > other.high and min(self.windows, other.windows) >= SURE_WINDOWS
        return is_sure and self.texts >= margin * other.texts


@dataclass(frozen=True, slots=True)
class Latency:
    """How long a text takes that comes alone, in seconds.

    Attributes:
        median, high: of all texts, half took less, and 95 in 100.
        texts: how many there were.
    """

    median: float
    high: float
    texts: int


@dataclass(frozen=True, slots=True)
class Layout:
    """So many slots of so many threads each."""

    slots: int
    threads: int

    def __str__(self) -> str:
        return f"{self.slots} x {self.threads}"


@dataclass(frozen=True, slots=True)
class Numbers:
    """A model in some numbers.

    Attributes:
        rate: that it has with them.
        same_answers: the share of texts that it answers as with its own; None of an encoder.
        memory_bytes: what it takes, estimated.
    """

    rate: Rate
    same_answers: float | None
    memory_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFigures:
    """What one model does here.

    Attributes:
        language: of the texts, and `is_own` whether there are sentences in it, else all are made of its golden text.
        mean_words: of a text.
        load_seconds: what it took to load.
        alone: a text that comes alone, on one slot of one thread.
        service_batch: the most texts that the server puts in one batch.
        batches: texts a second by the size of a batch, with all slots at work.
        slots: by the number of slots, of one thread each, with batches as the server makes them.
        layouts: the same with as many cores, beside fewer slots of several threads each; the server has no setting for
            these.
        numbers: by compute type, its own among them.
        shortlist: with the vocabulary of the SPEED preset; None where the model has none.
        prompt_seconds, token_seconds: of a model that follows instructions: to read the text, and for each token then.
        notes: what was left out, and why.
    """

    name: str
    role: str
    device: str
    compute_type: str
    memory_bytes: int
    language: str
    is_own: bool
    mean_words: float
    load_seconds: float
    alone: Latency
    service_batch: int
    batches: Mapping[int, Rate] = field(default_factory=dict)
    slots: Mapping[int, Rate] = field(default_factory=dict)
    layouts: Mapping[Layout, Rate] = field(default_factory=dict)
    numbers: Mapping[str, Numbers] = field(default_factory=dict)
    shortlist: Rate | None = None
    prompt_seconds: float | None = None
    token_seconds: float | None = None
    notes: Sequence[str] = ()

    @property
    def best_batch(self) -> int:
        """The smallest batch that is as fast as any, within what cannot be told apart."""
        top = max(rate.texts for rate in self.batches.values())
        return min(size for size, rate in self.batches.items() if rate.texts >= 0.97 * top)


@dataclass(frozen=True, slots=True)
class Environment:
    """The model with other variables in the environment.

    Attributes:
        variables: those that are set; none is as it is.
        libraries: what CTranslate2 says that it calculates with.
    """

    variables: Mapping[str, str]
    libraries: Mapping[str, str]
    rate: Rate


@dataclass(frozen=True, slots=True)
class ServiceFigures:
    """The same model through a server, with the callers on the same machine.

    Attributes:
        alone: a call with one sentence, one at a time; and `engine_alone` the same sentences without a server.
        calls: calls of one sentence a second, from so many `callers`; `engine` without a server, best batches.
    """

    model: str
    alone: Latency
    engine_alone: Latency
    callers: int
    calls: Rate
    engine: Rate


@dataclass(frozen=True, slots=True)
class Machine:
    """What was measured on.

    Attributes:
        cores: usable ones: affinity and the quota of the cgroup count.
        slots: that the server has with the settings as they are.
        load: the load average of a minute, before; None where there is none.
        others: of the time of all cores while it was measured, the share of other processes; None where unknown.
    """

    processor: str
    cores: int
    slots: int
    load: float | None = None
    others: float | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """All of a benchmark.

    Attributes:
        advice: settings to set, or that there are none; see `advice.advise`.
        notes: what was left out, and why.
    """

    machine: Machine
    models: Sequence[ModelFigures] = ()
    environments: Sequence[Environment] = ()
    environment_model: str = ""
    service: ServiceFigures | None = None
    advice: Sequence[str] = ()
    notes: Sequence[str] = ()
    seconds: float = 0.0


def summarise(windows: Sequence[Window]) -> Rate:
    """Return the median of several windows, and how far they lie apart."""
    middle = sorted(windows, key=lambda window: window.texts)[(len(windows) - 1) // 2]
    rates = [window.texts for window in windows]
    return Rate(middle.texts, middle.words, middle.written, min(rates), max(rates), len(windows))


def summarise_latency(taken: Sequence[float]) -> Latency:
    """Return the median and the 95th percentile of some times."""
    ordered = sorted(taken)
    return Latency(statistics.median(ordered), ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))], len(ordered))


def to_json(value: Any) -> Any:
    """Return figures as JSON has them, with names spelt as the server's own answers have them."""
    if is_dataclass(value) and not isinstance(value, type):
        return {
            re.sub(r"_(\w)", lambda found: found[1].upper(), each.name): to_json(getattr(value, each.name))
            for each in fields(value)
        }
    if isinstance(value, Mapping):
        return {str(key): to_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(each) for each in value]
    return round(value, 5) if isinstance(value, float) else value
