"""Makes pairs of sentences: a model translates them, and both sides are written, a tab between them.

The model is a pair of the catalogue or a folder: of a Bergamot student, which torch runs, or an installed model, which
CTranslate2 runs, much faster.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import ctranslate2
import torch
from sentencepiece import SentencePieceProcessor
from torch import Tensor

from training.options import Command, choose_device, existing_file, writing
from training.originals import find_original
from training.reference import (
    END,
    START,
    Model,
    context,
    decode_original,
    encode,
    encode_text,
    load_original,
    logits,
    open_vocabulary,
    pad,
)
from training.text import LONGEST, read_lines

BATCH_TOKENS = 1024
SAMPLED_FROM = 8  # the likeliest tokens, of which one is drawn


def translate_with_original(
    model: Model, vocabulary: SentencePieceProcessor, texts: Sequence[str], most_tokens: int, device: str
) -> Iterator[tuple[int, str]]:
    """Greedy translations by the original, in any order: the index of a text, and its translation."""
    rows = [encode_text(vocabulary, text) for text in texts]
    for members in batches(rows, most_tokens):
        outputs = greedy(model, *pad([rows[at] for at in members], device))
        yield from zip(members, vocabulary.decode(outputs), strict=True)


def translate_with_installed(folder: Path, texts: Sequence[str], *, is_sampled: bool) -> Iterator[tuple[int, str]]:
    """Translations by an installed model, in order; sampled ones differ from the best, which is more to learn from."""
    translator = ctranslate2.Translator(str(folder), inter_threads=torch.get_num_threads(), intra_threads=1)
    vocabulary = SentencePieceProcessor(model_file=str(folder / "tokenizer.spm"))
    results = translator.translate_iterable(
        (vocabulary.encode(text, out_type=str) for text in texts),
        max_batch_size=BATCH_TOKENS,
        batch_type="tokens",
        beam_size=1,
        sampling_topk=SAMPLED_FROM if is_sampled else 1,
        max_decoding_length=2 * LONGEST,
    )
    for at, result in enumerate(results):
        yield at, vocabulary.decode(result.hypotheses[0])


def greedy(model: Model, tokens: Tensor, real: Tensor) -> list[list[int]]:
    """The translation of each text as tokens, end excluded; at most three times as long as the source."""
    source = context(model, encode(model, tokens, real))
    previous = torch.full((len(tokens), 1), START, device=tokens.device)
    alive = torch.ones(len(tokens), dtype=torch.bool, device=tokens.device)
    states, written = None, []
    for at in range(3 * tokens.shape[1]):
        hiddens, states = decode_original(model, previous, source, real, states=states, start=at)
        previous = logits(model, hiddens[-1]).argmax(dim=-1)
        alive &= previous[:, 0] != END
        if not alive.any():
            break
        written.append(torch.where(alive, previous[:, 0], END))
    columns = torch.stack(written, dim=1).tolist() if written else [[]] * len(tokens)
    return [[token for token in row if token != END] for row in columns]


def batches(rows: Sequence[Sequence[int]], most_tokens: int) -> Iterator[list[int]]:
    """Indices of rows of like length, at most `most_tokens` together, padding included."""
    batch: list[int] = []
    for at in sorted(range(len(rows)), key=lambda at: len(rows[at])):
        if batch and (len(batch) + 1) * len(rows[at]) > most_tokens:
            yield batch
            batch = []
        batch.append(at)
    if batch:
        yield batch


@click.command(cls=Command, help=__doc__, context_settings={"show_default": True})
@click.argument("model")
@click.argument("sentences", type=existing_file)
@click.argument("pairs", type=click.Path(path_type=Path, dir_okay=False, writable=True))
@click.option("--sampled", is_flag=True, help="Draw among the likeliest tokens; installed models only.")
@click.option("--batch", type=click.IntRange(1), default=4096, help="Source tokens of a batch of the original's.")
@click.option("--device", default="cpu", callback=choose_device, help="Of the original.")
@torch.inference_mode()
def main(model, sentences, pairs, sampled, batch, device):
    if not pairs.parent.is_dir():
        raise click.BadParameter(f"{str(pairs)!r}: there is no folder {pairs.parent}; make it", param_hint="PAIRS")
    if pairs.exists() and pairs.samefile(sentences):
        raise click.BadParameter(f"{str(pairs)!r} is the file of the sentences; give another", param_hint="PAIRS")
    texts = list(dict.fromkeys(filter(None, (" ".join(line.split()) for line in read_lines(sentences)))))
    folder = Path(model) if Path(model).is_dir() else None
    if folder and (folder / "model.bin").exists():
        if not (folder / "tokenizer.spm").exists():
            raise click.BadParameter(
                f"{model!r} has no tokenizer.spm, so it is no translation model of the family bergamot; give the "
                "folder of one, such as en-pt",
                param_hint="MODEL",
            )
        vocabulary = open_vocabulary(folder / "tokenizer.spm")
    elif sampled:
        raise click.UsageError(f"{model} is no installed model, which --sampled needs; give its folder")
    else:
        files = find_original(model, folder, pairs.parent / "original", option="MODEL")
        original, vocabulary = load_original(files, device)
    kept = [text for text in texts if len(vocabulary.encode(text)) < LONGEST]
    if not kept:
        raise click.BadParameter(f"{str(sentences)!r}: no line of 1 to {LONGEST - 1} tokens", param_hint="SENTENCES")
    if folder and (folder / "model.bin").exists():
        translated = translate_with_installed(folder, kept, is_sampled=sampled)
    else:
        translated = translate_with_original(original, vocabulary, kept, batch, device)
    with click.progressbar(translated, length=len(kept), label="translating") as bar:
        translations = dict(bar)
    lines = (f"{text}\t{' '.join(translations[at].split())}\n" for at, text in enumerate(kept))
    with writing(pairs):
        pairs.write_text("".join(lines), encoding="utf-8")
    click.echo(f"{len(kept)} pairs, {len(texts) - len(kept)} sentences of {LONGEST} or more tokens left out", err=True)


if __name__ == "__main__":
    main()
