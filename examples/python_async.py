"""Translate many lines while other work goes on: the answers come in order, as they are ready.

python examples/python_async.py examples/article.txt [HOST:PORT]
"""

import asyncio
import sys
from pathlib import Path

from polygist_client import AsyncClient, CallFailed


async def show(article: str, address: str = "localhost:50051") -> int:
    """Print an article's language and its main sentence, then its paragraphs in Portuguese."""
    paragraphs = [paragraph for paragraph in article.splitlines() if paragraph.strip()]
    async with AsyncClient(address) as client:
        try:
            summary, detection = await asyncio.gather(
                client.summarise(article, max_sentences=1), client.detect_language(article)
            )
            language = detection.best.code
            print(f"{language}: {summary.text}")
            async for translation in client.translate_many(paragraphs, to="pt", source=language):
                print(translation.text)
        except CallFailed as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python examples/python_async.py FILE [HOST:PORT]")
    file, *address = sys.argv[1:]
    sys.exit(asyncio.run(show(Path(file).read_text(encoding="utf-8"), *address)))
