"""The families as Transformers knows them: how a tiny member is made, and how it is asked."""

import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import sentencepiece
import torch
import transformers as hf
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers.models.m2m_100.tokenization_m2m_100 import FAIRSEQ_LANGUAGE_CODES as M2M100_CODES

from tests.parity.corpus import make_corpus

NEW_TOKENS = 24
INSTRUCTION = "Summarise this article."
SIZES = {
    "d_model": 16, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 2, "decoder_attention_heads": 2,
    "encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "max_position_embeddings": 160, "tie_word_embeddings": False,
}  # fmt: skip
T5_SIZES = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_decoder_layers": 2, "num_heads": 2}
Made = tuple[Any, Any]
Answer = Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """One family.

    Attributes:
        make: a tokenizer and a model; may write files that the tokenizer reads to the folder.
        files: what a published folder has for the tokenizer.
        pairs: languages as the service spells them.
        answer: Transformers' input ids, output ids and output text.
    """

    make: Callable[[Path], Made]
    files: Sequence[str]
    pairs: Sequence[tuple[str, str]]
    answer: Callable[[Any, Any, str, str, str], Answer]


def generate(tokenizer: Any, model: Any, ids: Sequence[int], **options: Any) -> Answer:
    """The greedy output for `ids`: never an unknown token and never nothing, which our pipeline forbids as well."""
    banned = [tokenizer.unk_token_id] if tokenizer.unk_token_id is not None else None
    with torch.no_grad():
        output = model.generate(
            torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long), num_beams=1, do_sample=False,
            max_new_tokens=NEW_TOKENS, min_new_tokens=1, suppress_tokens=banned, **options,
        )[0].tolist()  # fmt: skip
    if not model.config.is_encoder_decoder:
        output = output[len(ids) :]
    return {"input": list(ids), "output": output, "written": tokenizer.decode(output, skip_special_tokens=True)}


# SentencePiece files: Marian, M2M-100 and its kin.


def train_pieces(path: Path, kind: str) -> dict[str, float]:
    """Write a SentencePiece model; returns its pieces with their scores, without the control symbols.

    Its trainer makes the same of the same text each time, which those of `tokenizers` for unigrams and words do not.
    """
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(make_corpus()), model_writer=model, vocab_size=220, model_type=kind,
        hard_vocab_limit=False, normalization_rule_name="identity", num_threads=1, minloglevel=2,
    )  # fmt: skip
    path.write_bytes(model.getvalue())
    processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
    return {
        processor.id_to_piece(number): processor.get_score(number) for number in range(3, processor.get_piece_size())
    }


def make_marian(folder: Path, *, codes: Sequence[str] = ()) -> Made:
    pieces = train_pieces(folder / "source.spm", "unigram")
    (folder / "target.spm").write_bytes((folder / "source.spm").read_bytes())
    tokens = ["</s>", "<unk>", *pieces, *(f">>{code}<<" for code in codes), "<pad>"]
    (folder / "vocab.json").write_text(json.dumps({token: number for number, token in enumerate(tokens)}))
    tokenizer = hf.MarianTokenizer(
        str(folder / "source.spm"), str(folder / "target.spm"), str(folder / "vocab.json"), model_max_length=160
    )
    pad = len(tokens) - 1
    settings = hf.MarianConfig(
        vocab_size=len(tokens), **SIZES, scale_embedding=True, pad_token_id=pad, eos_token_id=0, forced_eos_token_id=0,
        decoder_start_token_id=pad, static_position_embeddings=True, activation_function="swish", bad_words_ids=[[pad]],
    )  # fmt: skip
    return tokenizer, hf.MarianMTModel(settings)


def answer_marian(tokenizer: Any, model: Any, text: str, source: str, target: str) -> Answer:
    code = {"de": ">>deu<< ", "pt": ">>por<< "}[target] if ">>deu<<" in tokenizer.get_vocab() else ""
    ids = tokenizer(code + text).input_ids
    return generate(tokenizer, model, ids, forced_eos_token_id=None, bad_words_ids=[[tokenizer.pad_token_id]])


def make_m2m100(folder: Path) -> Made:
    tokens = ["<s>", "<pad>", "</s>", "<unk>", *train_pieces(folder / "sentencepiece.bpe.model", "bpe")]
    (folder / "vocab.json").write_text(json.dumps({token: number for number, token in enumerate(tokens)}))
    codes = [f"__{code}__" for code in M2M100_CODES["m2m100"]]
    tokenizer = hf.M2M100Tokenizer(
        str(folder / "vocab.json"),
        str(folder / "sentencepiece.bpe.model"),
        additional_special_tokens=codes,
        num_madeup_words=0,
    )
    settings = hf.M2M100Config(
        vocab_size=len(tokens) + len(codes), **SIZES, scale_embedding=True, bos_token_id=0, pad_token_id=1,
        eos_token_id=2, decoder_start_token_id=2,
    )  # fmt: skip
    return tokenizer, hf.M2M100ForConditionalGeneration(settings)


def answer_m2m100(tokenizer: Any, model: Any, text: str, source: str, target: str) -> Answer:
    tokenizer.src_lang = source
    ids = tokenizer(text).input_ids
    return generate(tokenizer, model, ids, forced_bos_token_id=tokenizer.get_lang_id(target))


def answer_small100(tokenizer: Any, model: Any, text: str, source: str, target: str) -> Answer:
    """SMaLL-100 reads the target language before the source, and its decoder is told nothing."""
    tokenizer.src_lang = target
    return generate(tokenizer, model, tokenizer(text).input_ids)


# tokenizer.json files: all others.


def train_merges(first: Sequence[str], unknown: str) -> Tokenizer:
    """A BPE over metaspaces with `first` as its first tokens."""
    tokenizer = Tokenizer(models.BPE(unk_token=unknown, fuse_unk=True))
    trainer = trainers.BpeTrainer(vocab_size=260, special_tokens=list(first), show_progress=False)
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.train_from_iterator(make_corpus(), trainer)
    return tokenizer


def parts(tokenizer: Tokenizer) -> dict[str, Any]:
    """What the classes of Transformers are made from: the vocabulary and the merges of a BPE."""
    model = json.loads(tokenizer.to_str())["model"]
    return {"vocab": model["vocab"], "merges": [tuple(merge) for merge in model["merges"]]}


def scored(folder: Path, first: Sequence[str]) -> list[tuple[str, float]]:
    """The vocabulary of a unigram model: `first`, then pieces with their scores."""
    pieces = train_pieces(folder / "unigram.model", "unigram")
    return [*((token, 0.0) for token in first), *pieces.items()]


def make_nllb(folder: Path) -> Made:
    tokenizer = hf.NllbTokenizer(**parts(train_merges(["<s>", "<pad>", "</s>", "<unk>"], "<unk>")))
    settings = hf.M2M100Config(
        vocab_size=len(tokenizer), **SIZES, scale_embedding=True, bos_token_id=0, pad_token_id=1, eos_token_id=2,
        decoder_start_token_id=2, tokenizer_class="NllbTokenizer",
    )  # fmt: skip
    return tokenizer, hf.M2M100ForConditionalGeneration(settings)


def answer_nllb(tokenizer: Any, model: Any, text: str, source: str, target: str) -> Answer:
    codes = {"en": "eng_Latn", "de": "deu_Latn", "zh-Hant": "zho_Hant"}
    tokenizer.src_lang = codes[source]
    target_id = tokenizer.convert_tokens_to_ids(codes[target])
    return generate(tokenizer, model, tokenizer(text).input_ids, forced_bos_token_id=target_id)


def make_mbart50(folder: Path) -> Made:
    tokenizer = hf.MBart50Tokenizer(vocab=scored(folder, ["<unk>", "<s>", "</s>"]), src_lang="en_XX")
    settings = hf.MBartConfig(
        vocab_size=len(tokenizer), **SIZES, scale_embedding=True, bos_token_id=0, pad_token_id=1, eos_token_id=2,
        decoder_start_token_id=2, normalize_before=True, tokenizer_class="MBart50Tokenizer", forced_eos_token_id=2,
    )  # fmt: skip
    return tokenizer, hf.MBartForConditionalGeneration(settings)


def answer_mbart50(tokenizer: Any, model: Any, text: str, source: str, target: str) -> Answer:
    codes = {"en": "en_XX", "de": "de_DE", "pt": "pt_XX"}
    tokenizer.src_lang = codes[source]
    target_id = tokenizer.convert_tokens_to_ids(codes[target])
    ids = tokenizer(text).input_ids
    return generate(tokenizer, model, ids, forced_bos_token_id=target_id, forced_eos_token_id=None)


def make_t5(folder: Path, *, kind: str = "t5", codes: Sequence[str] = ()) -> Made:
    named = [f"<2{code}>" for code in codes]
    vocabulary = scored(folder, ["<pad>", "</s>", "<unk>", *named])
    tokenizer = hf.T5Tokenizer(vocab=vocabulary, extra_ids=0, additional_special_tokens=named)
    is_first = kind == "t5" and not codes  # what came after T5 has gates, and ties nothing
    settings = {"t5": hf.T5Config, "mt5": hf.MT5Config}[kind](
        vocab_size=len(tokenizer), **T5_SIZES, decoder_start_token_id=0, pad_token_id=0, eos_token_id=1,
        feed_forward_proj="relu" if is_first else "gated-gelu", tie_word_embeddings=is_first,
    )  # fmt: skip
    model = {"t5": hf.T5ForConditionalGeneration, "mt5": hf.MT5ForConditionalGeneration}[kind]
    return tokenizer, model(settings)


def make_mt5(folder: Path) -> Made:
    return make_t5(folder, kind="mt5")


def make_madlad(folder: Path) -> Made:
    return make_t5(folder, codes=["en", "de", "pt", "zh", "sr_Latn"])


def answer_t5(tokenizer: Any, model: Any, text: str, source: str, target: str) -> Answer:
    return generate(tokenizer, model, tokenizer(f"summarize: {text}").input_ids)


def answer_madlad(tokenizer: Any, model: Any, text: str, source: str, target: str) -> Answer:
    return generate(tokenizer, model, tokenizer(f"<2{target}> {text}").input_ids)


def answer_plain(tokenizer: Any, model: Any, text: str, source: str, target: str) -> Answer:
    """As the model's own settings have it: BART forces its first token, Pegasus and mT5 nothing."""
    return generate(tokenizer, model, tokenizer(text).input_ids, forced_eos_token_id=None)


def make_pegasus(folder: Path) -> Made:
    vocabulary = scored(folder, ["<pad>", "</s>", "<mask_2>", "<unk>"])
    tokenizer = hf.PegasusTokenizer(vocab=vocabulary, offset=0, mask_token_sent=None)
    settings = hf.PegasusConfig(
        vocab_size=len(tokenizer), **SIZES, scale_embedding=True, pad_token_id=0, eos_token_id=1,
        decoder_start_token_id=0, forced_eos_token_id=1, activation_function="relu", normalize_before=True,
        normalize_embedding=False,
    )  # fmt: skip
    return tokenizer, hf.PegasusForConditionalGeneration(settings)


def train_bytes(first: Sequence[str]) -> Tokenizer:
    """A byte-level BPE."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=420, special_tokens=list(first), initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(make_corpus(), trainer)
    return tokenizer


def make_bart(folder: Path) -> Made:
    made = parts(train_bytes(["<s>", "<pad>", "</s>", "<unk>", "<mask>"]))
    tokenizer = hf.BartTokenizer(**made)
    settings = hf.BartConfig(
        vocab_size=len(tokenizer), **SIZES, bos_token_id=0, pad_token_id=1, eos_token_id=2, decoder_start_token_id=2,
        forced_bos_token_id=0, forced_eos_token_id=2, normalize_before=False,
    )  # fmt: skip
    model = hf.BartForConditionalGeneration(settings)
    model.generation_config.no_repeat_ngram_size = 3
    return tokenizer, model


CHAT = """\
{%- for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}
{%- endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"""


def make_causal(folder: Path) -> Made:
    plain = train_bytes(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    tokenizer = hf.PreTrainedTokenizerFast(
        tokenizer_object=plain, bos_token="<|im_start|>", eos_token="<|im_end|>", pad_token="<|endoftext|>",
        unk_token="<|endoftext|>", chat_template=CHAT,
    )  # fmt: skip
    settings = hf.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, max_position_embeddings=512, bos_token_id=1, eos_token_id=2, pad_token_id=0,
        tie_word_embeddings=False,
    )  # fmt: skip
    return tokenizer, hf.LlamaForCausalLM(settings)


def answer_causal(tokenizer: Any, model: Any, text: str, source: str, target: str) -> Answer:
    message = {"role": "user", "content": f"{INSTRUCTION}\n\n{text}"}
    ids = tokenizer.apply_chat_template([message], add_generation_prompt=True, return_dict=False)
    return generate(tokenizer, model, ids)


def make_encoder(folder: Path) -> Made:
    normalise = normalizers.BertNormalizer().normalize_str
    words = sorted({word for sentence in make_corpus() for word in re.findall(r"\w+", normalise(sentence))})
    letters = sorted({letter for word in words for letter in word})
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokens = dict.fromkeys([*special, *".!?", *letters, *(f"##{letter}" for letter in letters), *words])
    vocabulary = {token: number for number, token in enumerate(tokens)}
    settings = hf.BertConfig(
        vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=160, position_embedding_type="absolute",
    )  # fmt: skip
    return hf.BertTokenizer(vocab=vocabulary), hf.BertModel(settings)


def answer_encoder(tokenizer: Any, model: Any, text: str, source: str, target: str) -> Answer:
    """The mean of the last layer over all tokens, of length 1."""
    ids = tokenizer(text).input_ids
    with torch.no_grad():
        mean = model(torch.tensor([ids])).last_hidden_state[0].mean(dim=0)
    return {"input": ids, "vector": [round(value, 6) for value in (mean / mean.norm()).tolist()]}


SPM = ("sentencepiece.bpe.model", "generation_config.json", "tokenizer_config.json")
JSON = ("tokenizer.json", "generation_config.json", "tokenizer_config.json")
MARIAN = ("source.spm", "target.spm", "generation_config.json", "tokenizer_config.json")
MANY = (("en", "de"), ("de", "pt"), ("pt", "en"))

CASES = {
    "marian": Case(make_marian, MARIAN, [("en", "de")], answer_marian),
    "marian-multi": Case(
        partial(make_marian, codes=["deu", "por"]), MARIAN, [("en", "de"), ("en", "pt")], answer_marian
    ),
    "nllb": Case(make_nllb, JSON, [("en", "de"), ("de", "zh-Hant"), ("zh-Hant", "en")], answer_nllb),
    "m2m100": Case(make_m2m100, SPM, MANY, answer_m2m100),
    "small100": Case(make_m2m100, SPM, MANY, answer_small100),
    "mbart50": Case(make_mbart50, JSON, MANY, answer_mbart50),
    "madlad": Case(make_madlad, JSON, MANY, answer_madlad),
    "t5": Case(make_t5, JSON, [("en", "en")], answer_t5),
    "mt5": Case(make_mt5, JSON, [("en", "en")], answer_plain),
    "bart": Case(make_bart, JSON, [("en", "en")], answer_plain),
    "pegasus": Case(make_pegasus, JSON, [("en", "en")], answer_plain),
    "causal-lm": Case(make_causal, (*JSON, "chat_template.jinja"), [("en", "en")], answer_causal),
    "encoder": Case(make_encoder, ("tokenizer.json", "tokenizer_config.json"), [("en", "en")], answer_encoder),
}
