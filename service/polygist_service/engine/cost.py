"""How long a model's batches take, learnt from those that there were."""

import threading
from collections.abc import Sequence
from copy import deepcopy
from math import exp, log

# What a batch still counts for when the next one has run: the last fifty count.
MEMORY = 0.98
# What costs a small translation model on one core about so many seconds: a batch, a padded source token, a step of
# decoding, a token of one segment in a step. Before a model has run, and where its batches do not tell these apart,
# the proportions are taken from here.
USUAL = (0.002, 0.00004, 0.0004, 0.00004)
# Tokens of an output for one of its source, before there is any.
USUAL_RATIO = 1.2
# Segments of a batch, before there is any.
USUAL_SEGMENTS = 8.0
# How far batches of the same shape are apart, as a share of what they take, squared.
SCATTER = 0.02
# A batch that took much longer or shorter than expected, because the machine stood still or a text was odd, counts as
# one that took so many times as long.
MOST_SURPRISE = 4.0
# Of the descent by coordinates, which goes on where it stopped when the next batch has run.
SWEEPS = 4

Sums = tuple[float, ...]


class CostModel:
    """Predict how long a batch takes: ``a + b * padded + c * steps + d * steps * rows``, no coefficient negative.

    Least squares over the errors of the last batches, each relative to what its shape usually takes, and each older one
    counting for a little less. A weak pull to the usual proportions stands in for shapes that there were none of. Any
    thread may add and ask.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._size = len(USUAL)
        self._products = [[0.0] * self._size for _ in USUAL]
        self._targets = [0.0] * self._size
        self._coefficients: Sums = USUAL
        self._scale: Sums = (0.0, 0.0)
        self._seen: Sums = (0.0, 0.0, 0.0)
        self._written: Sums = (0.0, 0.0)
        self._batches: Sums = (USUAL_SEGMENTS, 1.0)

    def copy(self) -> "CostModel":
        """Return one that has learnt the same, and learns by itself from here on."""
        other = CostModel()
        with self._lock:
            vars(other).update({name: deepcopy(value) for name, value in vars(self).items() if name != "_lock"})
        return other

    def add(self, seconds: float, *, padded: int, steps: int, segments: int, beam_size: int = 1) -> None:
        """Learn from a batch.

        Args:
            seconds: what it took.
            padded: its source tokens, padding included.
            steps: tokens of its longest output; 0 of an encoder.
            segments: how many segments it had.
            beam_size: hypotheses that are written at the same time for each of them.
        """
        seconds = max(seconds, 1e-6)
        shape = describe_shape(padded, steps, segments * beam_size)
        with self._lock:
            self._seen = decay(self._seen, (seconds, padded, steps))
            expected = multiply(self._coefficients, shape) if self._scale[1] else seconds
            seconds = min(max(seconds, expected / MOST_SURPRISE), expected * MOST_SURPRISE)
            self._written = decay(self._written, (steps, padded / segments))
            self._batches = decay(self._batches, (segments, 1.0))
            usual = multiply(USUAL, shape)
            self._scale = decay(self._scale, (log(seconds / usual), 1.0))
            relative = [each / usual for each in shape]
            for row, each in enumerate(relative):
                self._products[row] = [
                    MEMORY * old + each * other for old, other in zip(self._products[row], relative, strict=True)
                ]
                self._targets[row] = MEMORY * self._targets[row] + each * seconds / usual
            self._fit()

    def _fit(self) -> None:
        """Go down to the least squares, one coefficient after the other, none below zero."""
        scale = exp(self._scale[0] / self._scale[1])
        found = list(self._coefficients if self._scale[1] > 1 else (scale * usual for usual in USUAL))
        for _ in range(SWEEPS):
            for at, usual in enumerate(USUAL):
                row, expected = self._products[at], scale * usual
                pull = SCATTER / usual**2
                rest = self._targets[at] - multiply(row, found) + row[at] * found[at]
                found[at] = max(expected / 1000, (rest + pull * expected) / (row[at] + pull))
        self._coefficients = tuple(found)

    def predict(self, *, padded: int, steps: float, segments: int, beam_size: int = 1) -> float:
        """Return the seconds that a batch may be expected to take; the arguments are those of `add`."""
        return multiply(self._coefficients, describe_shape(padded, steps, segments * beam_size))

    def expected_steps(self, longest: int) -> float:
        """Return how many tokens the longest output of a batch may be expected to have.

        Args:
            longest: tokens of its longest segment.
        """
        written, read = self._written
        return longest * (written / read if read else USUAL_RATIO)

    def expect(self, *, segments: int, longest: int, beam_size: int = 1) -> float:
        """Return the seconds that a batch may be expected to take whose outputs are not known yet."""
        steps = self.expected_steps(longest)
        return self.predict(padded=segments * longest, steps=steps, segments=segments, beam_size=beam_size)

    def segment_seconds(self, tokens: int, *, most: int, beam_size: int = 1) -> float:
        """Return what one segment may be expected to take of a batch of the usual size.

        Args:
            tokens: of the segment.
            most: so many segments a batch may have.
        """
        segments, batches = self._batches
        usual = min(most, max(1, round(segments / batches)))
        return self.expect(segments=usual, longest=tokens, beam_size=beam_size) / usual

    def most_segments(self, longest: int, seconds: float, *, beam_size: int = 1) -> int:
        """Return how many segments a batch may have that is to take at most `seconds`; 1 at least.

        Args:
            longest: tokens of its longest segment.
        """
        batch, token, step, row = self._coefficients
        steps = self.expected_steps(longest)
        each = token * longest + row * steps * beam_size
        return max(1, int((seconds - batch - step * steps) / each)) if each else 1 << 30

    def bound(self, *, padded: int, steps: int) -> float:
        """Return the seconds that a batch takes at most; 0 where none has been seen.

        The time of the batches seen is put down as a whole to what they read, and once more as a whole to what they
        wrote. So this is above what is usual, also where long prompts with short answers follow short ones with long
        answers: it tells a batch that hangs from one that takes long.

        Args:
            padded: its source tokens, padding included.
            steps: the most tokens that one of its outputs may have.
        """
        seconds, seen_padded, seen_steps = self._seen
        return seconds * (padded / max(1, seen_padded) + steps / max(1, seen_steps))


def describe_shape(padded: float, steps: float, rows: int) -> Sums:
    """Return what the coefficients are multiplied by."""
    return (1.0, padded, steps, steps * rows)


def multiply(left: Sequence[float], right: Sequence[float]) -> float:
    """Return the scalar product."""
    return sum(a * b for a, b in zip(left, right, strict=True))


def decay(sums: Sums, latest: Sums) -> Sums:
    """Return sums in which all that is older counts for a little less."""
    return tuple(MEMORY * old + new for old, new in zip(sums, latest, strict=True))
