"""How a text enters a model: between tokens of languages and ends, or in the turns of a conversation."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from polygist_service.engine.interface import Decoding
from polygist_service.engine.models.tokenizers import JsonTokenizer
from polygist_service.errors import InferenceFailed, StoreError

SETTINGS, TEMPLATE = "tokenizer_config.json", "chat_template.jinja"
# Instructions are few: one for each kind and length of a summary.
MOST_FRAMES = 64
# Stands for the text while the template is rendered; the template puts it somewhere, and no caller's text is rendered.
MARK = "\ue000text\ue001"
TEXT, SOURCE, TARGET = "{text}", "{source}", "{target}"


@dataclass(frozen=True, slots=True)
class Prompt:
    """One segment as a model takes it.

    Attributes:
        tokens: what its encoder reads.
        prefix: what its decoder is made to begin with.
        text: the segment.
    """

    tokens: Sequence[str]
    prefix: Sequence[str] = ()
    text: str = field(default="", compare=False)

    def __len__(self) -> int:
        return len(self.tokens)


@dataclass(frozen=True, slots=True)
class PromptFormat:
    """The places of things in a `Prompt`.

    Attributes:
        source: tokens, and ``{source}``, ``{target}`` and ``{text}`` in their places; for the encoder.
        target: the same without a text, for the decoder.
        languages: the token of each language, where languages enter as tokens.
        text_prefix: words before every text.
    """

    source: Sequence[str] = (TEXT,)
    target: Sequence[str] = ()
    languages: Mapping[str, str] = field(default_factory=dict)
    text_prefix: str = ""

    @property
    def text_start(self) -> int:
        """How many tokens stand before those of the text."""
        return list(self.source).index(TEXT)

    def arrange(self, tokens: Sequence[str], options: Decoding, text: str = "") -> Prompt:
        """Put the tokens of a text in their place; raises InferenceFailed where a language has no token."""
        laid: list[str] = []
        for part in self.source:
            laid += tokens if part == TEXT else [self._fill(part, options)]
        return Prompt(laid, [self._fill(part, options) for part in self.target], text)

    def _fill(self, part: str, options: Decoding) -> str:
        if part not in (SOURCE, TARGET):
            return part
        language = options.source if part == SOURCE else options.target
        if language not in self.languages:
            known = ", ".join(sorted(self.languages)[:10])
            raise InferenceFailed(f"the model has no token for language {language!r}; it has: {known}")
        return self.languages[language]


PLAIN_FORMAT = PromptFormat()


class ChatTemplate:
    """The conversation of one model; thread-safe.

    Args:
        folder: of the model.
        tokenizer: of that model, for this object alone: control tokens of the template are control tokens in it.
    """

    def __init__(self, folder: Path, tokenizer: JsonTokenizer) -> None:
        self._folder = folder
        self._tokenizer = tokenizer
        self._lock = Lock()
        self._frames: dict[str, tuple[list[str], list[str]]] = {}

    def frame(self, instruction: str) -> tuple[Sequence[str], Sequence[str]]:
        """The tokens before and after a text that follows `instruction`; those of few instructions are remembered."""
        with self._lock:
            if instruction not in self._frames:
                if len(self._frames) >= MOST_FRAMES:
                    self._frames.clear()
                head, tail = render_frame(self._folder, instruction)
                self._frames[instruction] = self._tokenizer.encode_frame(head), self._tokenizer.encode_frame(tail)
            return self._frames[instruction]


def render_frame(folder: Path, instruction: str) -> tuple[str, str]:
    """What a model's chat template writes before and after a text that follows `instruction` in the user's turn.

    Only the template is rendered, once, in a sandbox: a text never takes part, so nothing in it can be a command of
    the template's or a turn of the conversation.

    Raises:
        StoreError: there is no template, or it does not render, or it leaves the text out.
    """
    settings: Mapping[str, Any] = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    written = folder / TEMPLATE
    template = written.read_text(encoding="utf-8") if written.exists() else settings.get("chat_template")
    if not isinstance(template, str):
        raise StoreError(f"{folder.name} has no chat template ({TEMPLATE}); take the instruction-tuned model")
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, autoescape=False)
    environment.globals["raise_exception"] = refuse
    tokens = {key: token_text(settings.get(key)) for key in ("bos_token", "eos_token", "unk_token", "pad_token")}
    try:
        rendered = environment.from_string(template).render(
            messages=[{"role": "user", "content": instruction + MARK}],
            add_generation_prompt=True,
            enable_thinking=False,
            **tokens,
        )
    except TemplateError as error:
        raise StoreError(f"the chat template of {folder.name} does not render: {error}") from error
    head, mark, tail = rendered.partition(MARK)
    if not mark or MARK in tail:
        raise StoreError(f"the chat template of {folder.name} does not put the user's text in one place")
    return head, tail


def token_text(token: Any) -> str:
    """A special token is a text, or an object that holds one."""
    return str(token.get("content", "")) if isinstance(token, dict) else str(token or "")


def refuse(message: str) -> str:
    """Raise what a template asks for by ``raise_exception``."""
    raise TemplateError(message)
