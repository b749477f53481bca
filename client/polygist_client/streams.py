"""Where a stream of results stands: what is whole, what of the text after it has come, and what is left to ask for."""

from typing import Any

from polygist_client.calls import Call, ask_for_rest
from polygist_client.errors import CallFailed, Cancelled, StreamBroken, Unavailable
from polygist_client.retries import Attempts


class StreamPosition:
    """How far the replies to a call have come, over all streams that it takes.

    A stream that breaks between two contents is opened again for those that are left, whose events then follow as if
    nothing had been. Within a content it cannot be: another decoding of the same text need not have the same words.

    Args:
        call: what is asked for.
    """

    def __init__(self, call: Call[Any, Any]) -> None:
        self._call = call
        self._count = len(call.request.request.contents)  # type: ignore[attr-defined]  # of a request that streams
        self._index = 0
        self._texts: list[str] = []
        self._completed = 0
        self._completed_before = 0
        self._skipped = 0

    def begin(self) -> Call[Any, Any]:
        """Return the call for what is left."""
        self._skipped, self._completed_before = self._index, self._completed
        return ask_for_rest(self._call, self._skipped) if self._skipped else self._call

    @property
    def is_whole(self) -> bool:
        """Whether all contents are whole; what may still come has no place in the results."""
        return self._index == self._count > 0

    def follow(self, part: Any) -> Any:
        """Note one part of the reply and return it, as part of the whole call."""
        kind = part.WhichOneof("event")
        if kind == "usage":
            return part
        part.content_index += self._skipped
        if kind == "text_delta":
            self._texts.append(part.text_delta)
        elif kind == "progress":
            self._note_progress(part)
        elif kind is not None:
            self._index, self._texts = part.content_index + 1, []
        return part

    def delay_after(self, error: CallFailed, attempts: Attempts, now: float) -> float:
        """Return after how many seconds to ask for what is left; raises the error, which says where the stream ended.

        Raises:
            StreamBroken: the stream broke inside a content.
            CallFailed: `error`, where asking again does not help.
        """
        error.index, error.text = self._index, "".join(self._texts)
        if not error.text:
            return attempts.delay_after(error, now)
        if not isinstance(error, Unavailable | Cancelled):  # not the way to the server, nor one that stops
            raise error
        reason = error.message.partition(";")[0]  # the cure is for a server that has not answered yet
        broken = StreamBroken(
            f"the stream broke inside contents[{self._index}] after {len(error.text)} characters ({reason});"
            f" text has what came, ask again from contents[{self._index}] on",
            **{name: value for name, value in vars(error).items() if name not in ("message", "id")},
        )
        raise broken from error

    def _note_progress(self, part: Any) -> None:
        """Count on from where the last stream ended, where parts are those of all contents."""
        if self._call.method == "StreamTranslate":
            part.progress.completed_count += self._completed_before
            part.progress.total_count += self._completed_before
            self._completed = part.progress.completed_count
