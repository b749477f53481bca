"""Print how many seconds CTranslate2 alone takes to load models, tokenisers left out: ``FOLDER ROLE FOLDER ROLE…``."""

import sys
import time

import ctranslate2

CLASSES = {"translation": ctranslate2.Translator, "encoder": ctranslate2.Encoder}


def main() -> None:
    """Load what is named, in turn."""
    start = time.monotonic()
    kept = [
        CLASSES[role](folder, compute_type="int8") for folder, role in zip(sys.argv[1::2], sys.argv[2::2], strict=True)
    ]
    print((time.monotonic() - start) if kept else 0.0)


if __name__ == "__main__":
    main()
