"""The nearest one to a name that is mistyped."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

import click

from polygist_client.results import Language


def suggest(word: str, known: Iterable[str]) -> str:
    """A question that names the nearest of `known`, to stand behind a sentence; empty where none is near."""
    names = {name.lower(): name for name in known}
    near = get_close_matches(word.lower(), names, n=1)
    return f"; did you mean {names[near[0]]!r}?" if near else ""


def suggest_language(word: str, languages: Iterable[Language]) -> str:
    """The same for a language, whose name may stand for its code; empty too where `word` is the code of one."""
    codes = {name.lower(): each.code for each in languages for name in (each.display_name, each.native_name, each.code)}
    near = get_close_matches(word.lower(), codes, n=1)
    return f"; did you mean {codes[near[0]]!r}?" if near and codes[near[0]] != word else ""


class NearChoice(click.Choice[str]):
    """A choice that suggests the nearest word for another."""

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        return super().get_invalid_choice_message(value, ctx).rstrip(".") + suggest(str(value), self.choices)
