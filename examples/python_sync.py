"""Summarise an article, translate the summary, and say what went wrong.

python examples/python_sync.py examples/article.txt [HOST:PORT]
"""

import sys
from pathlib import Path

from polygist_client import CallFailed, Client, LanguagePairUnsupported


def main(file: str, address: str = "localhost:50051") -> int:
    """Print a summary with its places in the article, and the summary in Portuguese."""
    article = Path(file).read_text(encoding="utf-8")
    with Client(address) as client:
        try:
            summary = client.summarise(article, max_sentences=2, citations=True)
            for sentence in summary.sentences:
                span = sentence.citations[0].span
                print(f"{span.start}-{span.end}: {sentence.text}")
            print(client.translate(summary.text, to="pt", source="en").text)
        except LanguagePairUnsupported as error:
            print(f"error: {error}; nearest: {error.metadata.get('nearest', 'none')}", file=sys.stderr)
            return 1
        except CallFailed as error:  # all others: .reason tells which, .retry_after whether it is worth another try
            print(f"error: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python examples/python_sync.py FILE [HOST:PORT]")
    sys.exit(main(*sys.argv[1:]))
