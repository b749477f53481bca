"""CTranslate2 as whoever builds a server on it would use it: the service's weights and options, a text a line."""

from collections.abc import Sequence
from pathlib import Path

import ctranslate2
import sentencepiece

# As bench/speed/raw.py, and so the service, has them.
OPTIONS = {"beam_size": 1, "disable_unk": True, "use_vmap": False, "max_batch_size": 0, "max_input_length": 0}
OUTPUT_FACTOR, OUTPUT_OFFSET = 2, 16


class Engine:
    """A model in memory."""

    def __init__(self, model: Path, *, threads: int) -> None:
        """Load a model.

        Args:
            model: its folder.
            threads: calls that run at the same time, each on one core.
        """
        self._translator = ctranslate2.Translator(
            str(model), compute_type="int8", inter_threads=threads, intra_threads=1
        )
        self._tokenizer = sentencepiece.SentencePieceProcessor(model_file=str(model / "tokenizer.spm"))

    def translate(self, texts: Sequence[str]) -> list[tuple[str, int]]:
        """The translation of each text, whose lines are sentences, and its tokens; all in one batch, in this thread."""
        lines = [text.split("\n") for text in texts]
        tokens = self._tokenizer.encode([line for each in lines for line in each], out_type=str)
        longest = max(map(len, tokens))
        results = self._translator.translate_batch(
            tokens, max_decoding_length=OUTPUT_FACTOR * longest + OUTPUT_OFFSET, **OPTIONS
        )
        outputs = iter([result.hypotheses[0] for result in results])
        answers = []
        for each in lines:
            own = [next(outputs) for _ in each]
            answers.append(("\n".join(self._tokenizer.decode(own)), sum(map(len, own))))
        return answers
