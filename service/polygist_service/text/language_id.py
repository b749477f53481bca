"""Which language a text is in, by py3langid: offline, and with a full posterior over 140 languages."""

import tempfile
import threading
from collections.abc import Collection, Sequence

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from polygist_service.text.languages import BadTag, base_language, is_among, is_written_in, main_script, parse_tag
from polygist_service.text.segmentation import has_letters

# More text changes no answer and costs time.
SAMPLE_CHARACTERS = 1500
# In a longer text half of the words have capitals only where they are names.
TITLE_CHARACTERS = 60
# From here on a language is taken to be in a script that CLDR does not know it in: Crimean Tatar is in Latin letters.
KNOWN_BETTER = 0.5

# What is short and in Chinese characters is Mandarin, which is mostly written in them: of 你好 the model is sure
# that it is Cantonese. Of whole sentences it tells them apart.
SPOKEN_CHINESE, SHORT_CHINESE, STAYS_SPOKEN = frozenset({"yue", "wuu"}), 12, 0.1


class LanguageDetector:
    """Ranks languages; is safe to share between threads.

    Its model takes 0.3 s and 70 MB, and is read by the first use: where callers say what their texts are in, never.

    Raises:
        FileNotFoundError: there is no folder for temporary files, one of which that takes.
    """

    def __init__(self) -> None:
        tempfile.gettempdir()  # found out now, and not by the first text
        self._lock = threading.Lock()
        self._opened: LanguageIdentifier | None = None
        self._known: dict[str, str] = {}  # the tags of its labels
        self._written: dict[str, dict[str, str]] = {}  # the labels and tags of the languages in each script

    def languages(self) -> tuple[str, ...]:
        """All that it knows, sorted."""
        self._open()
        return tuple(sorted(set(self._known.values())))

    def rank(self, text: str, *, candidates: Collection[str] | None = None) -> list[tuple[str, float]]:
        """Languages of `text` by falling probability, each as frequent as the others.

        Empty for a text without letters, and for one in a script that no known language is written in.

        Args:
            text: any text; of a long one, its start, middle and end are read.
            candidates: canonical tags; the others are left out. The probabilities stay those among all languages:
                renormalised over a few, the model is sure of wrong answers.
        """
        if not has_letters(text):
            return []
        identifier, part = self._open(), sample(text)
        tags = self._tags_in(main_script(part))
        ranking = [
            (tag, p)
            for label, p in identifier.rank(as_running_text(part))
            if (tag := tags.get(label) or (p >= KNOWN_BETTER and self._known.get(label)))
        ]
        if len(part) <= SHORT_CHINESE and any(tag in SPOKEN_CHINESE for tag, _ in ranking):
            ranking = write_standard(ranking)
        if candidates is None:
            return ranking
        among = frozenset(candidates)
        return [(tag, p) for tag, p in ranking if is_among(among, tag)]

    def _open(self) -> LanguageIdentifier:
        with self._lock:
            if self._opened is None:
                self._opened = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
                self._known = {label: tag for label in self._opened.labels if (tag := read_label(label))}
            return self._opened

    def _tags_in(self, script: str) -> dict[str, str]:
        if script not in self._written:
            tags = self._known.items()
            self._written[script] = {label: tag for label, tag in tags if is_written_in(base_language(tag), script)}
        return self._written[script]


def write_standard(ranking: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """Return a ranking in which most of what is said for a Chinese language seldom written counts for Mandarin."""
    chances = dict(ranking)
    for tag in SPOKEN_CHINESE & chances.keys():
        chances["zh"] = chances.get("zh", 0.0) + (1 - STAYS_SPOKEN) * chances[tag]
        chances[tag] *= STAYS_SPOKEN
    return sorted(chances.items(), key=lambda pair: -pair[1])


def as_running_text(text: str) -> str:
    """Return `text` as it might stand within a sentence, which is what the model has learnt from.

    It tells words by the spaces on both sides of them, and labels and titles are no names for their capitals: of single
    words, half as many again are told rightly for the spaces, and of titles a fifth more for small letters.
    """
    words = text.split()
    is_title = len(text) <= TITLE_CHARACTERS and 2 * sum(word[0].isupper() for word in words) >= len(words)
    return f" {text.lower() if is_title else text} "


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
