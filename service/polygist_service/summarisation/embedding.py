"""Sentence embeddings, by whichever encoder is installed."""

from collections.abc import Sequence
from contextlib import aclosing

from polygist_service.context import CallContext
from polygist_service.engine.interface import Encoding, Engine, Vector

# Tokens of a sentence that its embedding is made of: more change no selection and cost time.
ENCODING = Encoding(max_tokens=128)
# No sentence of so many tokens is longer; what is longer is no sentence, and need not be tokenised.
MOST_CHARACTERS = 2000


async def embed(engine: Engine, model: str, texts: Sequence[str], context: CallContext) -> list[Vector]:
    """Return the embeddings of `texts` in order, each of L2 norm 1.

    Args:
        engine: runs the encoder.
        model: name of the encoder; none may be held meanwhile.
        texts: sentences; of what is longer the start counts.
        context: whose work this is.
    """
    # Texts of like length share a batch, which then has little padding.
    order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
    found: list[tuple[int, Vector]] = []
    async with engine.hold(model, context) as held:
        stream = held.submit([texts[at][:MOST_CHARACTERS] for at in order], options=ENCODING, context=context)
        async with aclosing(stream):
            async for index, result in stream:
                assert result.vector is not None
                found.append((order[index], result.vector))
    return [vector for _, vector in sorted(found, key=lambda pair: pair[0])]
