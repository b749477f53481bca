"""Translate many lines while other work goes on: the answers come in order, as they are ready.

    python examples/python_async.py examples/article.txt [HOST:PORT]
"""

import asyncio
import sys
from pathlib import Path

from polygist_client import AsyncClient, CallFailed


async def translate(file: str, address: str = "localhost:50051") -> int:
    """Print the paragraphs of a file in Portuguese, after a summary that was asked for at the same time."""
    article = Path(file).read_text(encoding="utf-8")
    paragraphs = [paragraph for paragraph in article.splitlines() if paragraph.strip()]
    async with AsyncClient(address) as client:
        try:
            summary, language = await asyncio.gather(
                client.summarise(article, max_sentences=1), client.detect_language(article)
            )
            print(f"{language.language}: {summary.text}")
            async for translation in client.translate_many(paragraphs, to="pt", source=language.language):
                print(translation.text)
        except CallFailed as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(translate(*sys.argv[1:])))
