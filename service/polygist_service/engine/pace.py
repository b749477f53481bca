"""How long a model's batches take, from those that there were."""

# What a batch still counts for when the next one has run.
MEMORY = 0.98


class Pace:
    """Predict how long a batch takes at most, from what it reads and what it may write.

    The time of the batches seen is put down as a whole to what they read, and once more as a whole to what they wrote.
    So the prediction is above what is usual, also where long prompts with short answers follow short ones with long
    answers: it tells a batch that hangs from one that takes long. Any thread may add and ask.
    """

    def __init__(self) -> None:
        self._seen = (0.0, 0.0, 0.0)

    def add(self, seconds: float, *, read: int, written: int) -> None:
        """Learn from a batch.

        Args:
            seconds: what it took.
            read: its source tokens, padding included.
            written: tokens of its longest output; 0 of an encoder.
        """
        before = self._seen
        self._seen = (MEMORY * before[0] + seconds, MEMORY * before[1] + read, MEMORY * before[2] + written)

    def predict(self, *, read: int, written: int) -> float:
        """Return the seconds that a batch takes at most; 0 where none has been seen.

        Args:
            read: its source tokens, padding included.
            written: the most tokens that one of its outputs may have.
        """
        seconds, seen_read, seen_written = self._seen
        return seconds * (read / max(1, seen_read) + written / max(1, seen_written))
