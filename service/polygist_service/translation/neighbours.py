"""What the texts of one stream are in: those that came before a text, and the first ones of it, say what it is in."""

import asyncio

from polygist_service.text.language_odds import Company, Reading, Shares, read_shares

# So many texts at the beginning of a stream tell each other what they are in, of those that come within this time.
OPENING_TEXTS = 16
OPENING_SECONDS = 0.05


class Neighbours:
    """What the texts of one stream are in, as far as it has come.

    The first texts wait for each other, since nothing is known before them: so the first line of a file is read as its
    others are.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._company = Company()
        self._count = 0
        self._last: asyncio.Future[None] = self._loop.create_future()
        self._last.set_result(None)
        self._opening: asyncio.Future[Company] = self._loop.create_future()

    def next_turn(self) -> "Turn":
        """Return the turn of the item that came last; call it in the order of the items."""
        if self._count == 0:
            self._loop.call_later(OPENING_SECONDS, self.close)
        self._count += 1
        turn = Turn(self._company, self._last, self._opening)
        self._last = turn.over
        if self._count == OPENING_TEXTS:
            self.close()
        return turn

    def close(self) -> None:
        """Let the first texts wait for no more than have come; how long these take to be read does not matter."""
        self._last.add_done_callback(lambda _: self._end_opening())

    def _end_opening(self) -> None:
        if not self._opening.done():
            self._opening.set_result(self._company.copy())


class Turn:
    """The place of one item of a stream: all texts before it have told their language when it comes to its own.

    So an answer depends on the items that were sent before, and of the first ones on those sent with it, not on which
    of them was done first.

    Args:
        company: the texts before it.
        before: done when they have all told.
        opening: the first texts of the stream, when they have all told.
    """

    def __init__(self, company: Company, before: asyncio.Future[None], opening: asyncio.Future[Company]) -> None:
        self._company = company
        self._before = before
        self._opening = opening
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def tell(self, text: str, reading: Reading) -> Shares:
        """Return what the texts beside this one are in, and tell the others what it is in."""
        await asyncio.wait([self._before])
        company, is_first = self._company, not self._opening.done()
        others = {} if reading.is_sure or is_first else company.shares(but=text)
        company.add(text, read_shares(reading.alone))
        self.end()
        if is_first and not reading.is_sure:
            await asyncio.wait([self._opening])
            others = self._opening.result().shares(but=text)
        return others

    def end(self) -> None:
        """Do not keep those after any longer than those before do, whether this one has told anything or not."""

        def pass_on(_: object) -> None:
            if not self.over.done():
                self.over.set_result(None)

        self._before.add_done_callback(pass_on)
