"""From an installed model to a loaded one."""

from collections.abc import Callable, Mapping
from pathlib import Path

import ctranslate2

from polygist_service.engine.causal import CausalModel
from polygist_service.engine.chat import Chat
from polygist_service.engine.devices import Placement
from polygist_service.engine.generation import Generation
from polygist_service.engine.layout import Layout
from polygist_service.engine.model import Model, SentenceEncoder, SequenceToSequence
from polygist_service.engine.tokenizer import JsonTokenizer, SentencePieceTokenizer, TemplateTokenizer, Tokenizer
from polygist_service.store.convert.contents import read_vocabulary
from polygist_service.store.description import Description
from polygist_service.store.store import InstalledModel


def open_model(installed: InstalledModel, *, slots: int, placement: Placement) -> Model:
    """Load a model as its description asks. Blocks.

    Args:
        installed: what to load; its files are verified already.
        slots: how many batches it may run at the same time.
        placement: the device and the numbers it calculates with.
    """
    folder, description = installed.folder, installed.entry
    native = {**placement.arguments(), "inter_threads": slots, "intra_threads": 1}
    if description.role == "encoder":
        return SentenceEncoder(
            ctranslate2.Encoder(str(folder), **native),
            TemplateTokenizer(folder / "tokenizer.json"),
            max_input_tokens=description.max_input_tokens,
            pooling=description.pooling,
        )
    if description.tokenizer == "chat":
        return CausalModel(
            ctranslate2.Generator(str(folder), **native),
            JsonTokenizer(folder / "tokenizer.json"),
            frame=Chat(folder, JsonTokenizer(folder / "tokenizer.json")).frame,
            instruction=description.text_prefix,
            max_input_tokens=description.max_input_tokens,
            generation=_generation(description),
        )
    return SequenceToSequence(
        ctranslate2.Translator(str(folder), **native),
        TOKENIZERS[description.tokenizer](folder, description),
        max_input_tokens=description.max_input_tokens,
        layout=Layout(
            source=description.source_layout,
            target=description.target_layout,
            languages=description.language_tokens,
            text_prefix=description.text_prefix,
        ),
        generation=_generation(description),
    )


def _generation(description: Description) -> Generation:
    return Generation(
        max_output_tokens=description.max_output_tokens,
        min_output_tokens=description.min_output_tokens,
        no_repeat_ngram_size=description.no_repeat_ngram_size,
        repetition_penalty=description.repetition_penalty,
        length_penalty=description.length_penalty,
        end_tokens=description.end_tokens,
    )


def _open_joint(folder: Path, description: Description) -> Tokenizer:
    return SentencePieceTokenizer(folder / "tokenizer.spm")


def _open_pieces(folder: Path, description: Description) -> Tokenizer:
    """One model for each side, or one for both; their pieces are looked up in the vocabulary."""
    target = folder / "target.spm"
    source = next(path for path in (folder / "source.spm", folder / "sentencepiece.bpe.model") if path.exists())
    return SentencePieceTokenizer(
        source,
        target=target if target.exists() else None,
        vocabulary=read_vocabulary(folder),
        reserved=description.language_tokens.values(),
        reads_printed=False,
    )


def _open_json(folder: Path, description: Description) -> Tokenizer:
    return JsonTokenizer(folder / "tokenizer.json", reserved=description.language_tokens.values())


TOKENIZERS: Mapping[str, Callable[[Path, Description], Tokenizer]] = {
    "sentencepiece": _open_joint,
    "pieces": _open_pieces,
    "json": _open_json,
}
