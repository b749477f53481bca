"""What the load generator is to send, and what it gives back."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.speed.corpus import SOURCE, TARGET
from bench.speed.figures import percentile
from bench.speed.window import Window, share_within

TRANSLATE, STREAM, SUMMARISE = "translate", "stream", "summarise"
OK = "OK"
# After that long a call fails, if its stream says nothing else.
CALL_SECONDS = 60.0
# A generator that sends later than that measures itself.
MOST_LAG = 0.005


@dataclass(frozen=True, slots=True)
class Stream:
    """Calls of one kind: of callers that wait for their answers, or at fixed times whatever becomes of those before.

    Attributes:
        name: for the recording.
        texts: JSON file with a list of texts, one for each call, again and again.
        callers: how many calls are under way at the same time; 0 where `rate` is given.
        rate: calls in a second on average, at times of a Poisson process.
        seed: of those times, and of what is cancelled.
        connections: how many the calls share; 0 gives each caller one of its own.
        method: TRANSLATE, STREAM or SUMMARISE.
        source: language of the texts; empty lets the server detect it.
        deadline: seconds that a call may take.
        cancelled: share of the calls that their caller gives up.
        cancelled_within: seconds; each is given up after a random part of these.
        client: the address that the calls come from, such as 127.0.0.2; empty is the machine's choice.
        fails: whether the run goes on where a call fails; else the first failure ends it.
    """

    name: str
    texts: str
    callers: int = 0
    rate: float = 0.0
    seed: int = 1
    connections: int = 0
    method: str = TRANSLATE
    source: str = SOURCE
    deadline: float = CALL_SECONDS
    cancelled: float = 0.0
    cancelled_within: float = 0.0
    client: str = ""
    fails: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """One window of load.

    Attributes:
        address: of the server.
        pid: of the server, for its CPU time.
        seconds: length of the window.
        warm_up: seconds of the same load before it.
        streams: what is sent at the same time.
        target: language to translate to.
    """

    address: str
    pid: int
    seconds: float
    warm_up: float
    streams: Sequence[Stream]
    target: str = TARGET

    def write(self, path: Path) -> Path:
        """Save it for `read`."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")
        return path

    @classmethod
    def read(cls, path: Path) -> "Plan":
        """The plan of a file."""
        fields = json.loads(path.read_text(encoding="utf-8"))
        return cls(**{**fields, "streams": [Stream(**stream) for stream in fields["streams"]]})


@dataclass(frozen=True, slots=True)
class Call:
    """One call; its times are in seconds from the opening of the window.

    Attributes:
        due: when it was to be sent: that of `sent` where its caller had waited for another one.
        sent: when it was.
        first: when the first piece of a streamed answer came; that of `end` where nothing is streamed.
        end: when it was answered or failed.
        code: name of its status.
        words: of its text.
        tokens: of its answer; of a summary, those that were read.
    """

    due: float
    sent: float
    first: float
    end: float
    code: str
    words: int
    tokens: int

    @property
    def seconds(self) -> float:
        """Latency, from the time at which it was due: a late generator makes no call look faster."""
        return self.end - self.due

    @property
    def lag(self) -> float:
        """How late it was sent."""
        return self.sent - self.due


@dataclass(frozen=True, slots=True)
class Recording:
    """What came of a plan.

    Attributes:
        seconds: length of the window.
        cpu_seconds: of the server in the window.
        generator_cpu_seconds: of the generator in the window.
        calls: by the name of their stream; those before the window are among them.
    """

    seconds: float
    cpu_seconds: float
    generator_cpu_seconds: float
    calls: Mapping[str, Sequence[Call]] = field(default_factory=dict)

    def due(self, stream: str) -> list[Call]:
        """The calls of a stream that were due within the window."""
        return [call for call in self.calls[stream] if 0 <= call.due < self.seconds]

    def latencies(self, stream: str) -> list[float]:
        """Seconds of the calls that were due within the window and were answered."""
        return [call.seconds for call in self.due(stream) if call.code == OK]

    def shares(self, stream: str) -> list[tuple[Call, float]]:
        """The answered calls of a stream, each with the share that lies in the window."""
        window = (0.0, self.seconds)
        answered = [call for call in self.calls[stream] if call.code == OK]
        return [(call, share_within((call.sent, call.end), window)) for call in answered]

    def words(self, stream: str) -> float:
        """Words of a stream that were translated within the window."""
        return sum(call.words * share for call, share in self.shares(stream))

    def rate(self, stream: str) -> float:
        """Calls of a stream that were answered in a second."""
        return sum(share for _, share in self.shares(stream)) / self.seconds

    def window(self) -> Window:
        """All streams as one."""
        return Window(
            self.seconds,
            words=sum(self.words(stream) for stream in self.calls),
            tokens=sum(call.tokens * share for stream in self.calls for call, share in self.shares(stream)),
            cpu_seconds=self.cpu_seconds,
            generator_cpu_seconds=self.generator_cpu_seconds,
        )

    def lag(self) -> float:
        """The 99th percentile of how late calls were sent; 0.0 where none had a time to be sent at."""
        lags = [call.lag for stream in self.calls for call in self.due(stream)]
        return percentile(lags, 0.99) if lags else 0.0

    def to_json(self) -> str:
        """What `from_json` reads."""
        calls = {name: [list(asdict(call).values()) for call in of_stream] for name, of_stream in self.calls.items()}
        return json.dumps({**asdict(self), "calls": calls})

    @classmethod
    def from_json(cls, text: str) -> "Recording":
        """The recording that another process printed."""
        fields = json.loads(text)
        calls = {name: [Call(*call) for call in of_stream] for name, of_stream in fields.pop("calls").items()}
        return cls(**fields, calls=calls)


def merge_latencies(recordings: Iterable[Recording], stream: str) -> list[float]:
    """The latencies of a stream in several windows."""
    return [seconds for recording in recordings for seconds in recording.latencies(stream)]
