"""Which language a text is in, by py3langid: offline, and with a full posterior over 140 languages."""

from collections.abc import Collection

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from polygist_service.text.languages import BadTag, matches, parse_tag
from polygist_service.text.segmentation import has_letters

# More text changes no answer and costs time.
SAMPLE_CHARACTERS = 1500


class LanguageDetector:
    """Ranks languages; holds the model, is stateless between calls and safe to share between threads."""

    def __init__(self) -> None:
        self._identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
        self._tags = {label: tag for label in self._identifier.labels if (tag := read_label(label))}

    @property
    def languages(self) -> tuple[str, ...]:
        """All that it knows, sorted."""
        return tuple(sorted(set(self._tags.values())))

    def rank(self, text: str, *, candidates: Collection[str] | None = None) -> list[tuple[str, float]]:
        """Languages of `text` by falling probability, empty for a text without letters.

        Args:
            text: any text; of a long one, its start, middle and end are read.
            candidates: canonical tags; the others are left out. The probabilities stay those among all languages:
                renormalised over a few, the model is sure of wrong answers.
        """
        if not has_letters(text):
            return []
        ranking = [(tag, p) for label, p in self._identifier.rank(sample(text)) if (tag := self._tags.get(label))]
        if candidates is None:
            return ranking
        return [(tag, p) for tag, p in ranking if any(matches(candidate, tag) for candidate in candidates)]


def sample(text: str) -> str:
    """Return the start, the middle and the end of a long text, a short one whole."""
    if len(text) <= SAMPLE_CHARACTERS:
        return text
    third = SAMPLE_CHARACTERS // 3
    middle = len(text) // 2
    return f"{text[:third]} {text[middle : middle + third]} {text[-third:]}"


def read_label(label: str) -> str | None:
    """The BCP-47 tag of a label of the model; None for its label for no language."""
    try:
        return None if label == "zxx" else parse_tag(label)
    except BadTag:
        return None
