"""What models that follow instructions are told, for each form, length and language of a summary.

No word of a caller is in it: a query chooses what a model reads, not what it is told.
"""

from collections.abc import Mapping

from polygist_service.summarisation.types import Form
from polygist_service.text.languages import display_name

TASKS: Mapping[Form, str] = {
    Form.PARAGRAPH: "Summarise the article below in {length}.",
    Form.TLDR: "Say in {length} what the article below is about.",
    Form.KEY_POINTS: "List the main points of the article below in {length}, one sentence a line.",
    Form.HEADLINE: "Write a headline for the article below in at most {words} words.",
}
RULES = "Use only what the article says. Write in {language}, and nothing else than that."
END = "\n\n"


def write_instruction(form: Form, *, words: int, sentences: int, language: str) -> str:
    """The instruction for a summary; what the model reads follows it.

    Args:
        form: of the summary.
        words: about so many.
        sentences: at most so many; 0 where only words count.
        language: canonical tag of the language to write in.
    """
    length = f"about {words} words"
    if sentences:
        length = f"{sentences} sentence{'s' if sentences > 1 else ''} of together {length}"
    rules = RULES.format(language=display_name(language, "en"))
    return f"{TASKS[form].format(length=length, words=words)} {rules}{END}"
