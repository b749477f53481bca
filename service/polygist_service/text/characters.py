"""Characters that a vocabulary may lack: what they are read as, and which change their value when they are folded."""

import re
import unicodedata

# Letters without a canonical decomposition, and what they are read as.
NEAR = {
    **{"ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L"},
    **{"đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ı": "i", "ħ": "h", "Ħ": "H", "ŋ": "ng"},
    **{"Ŋ": "Ng", "ŧ": "t", "Ŧ": "T", "ə": "e", "Ə": "E", "ɓ": "b", "Ɓ": "B", "ɗ": "d", "Ɗ": "D", "ƙ": "k"},
    **{"Ƙ": "K", "ơ": "o", "Ơ": "O", "ư": "u", "Ư": "U", "ƴ": "y", "ŀ": "l", "ĸ": "k", "ſ": "s", "µ": "u"},
}
# Okina, modifier apostrophe and their like stand inside names.
APOSTROPHES = dict.fromkeys("ʻʼʽʹˈ", "'")
# Formatting that is not seen: read, it is an unknown piece in the middle of a word. Joiners and selectors of emoji are
# not here: they go with their emoji.
INVISIBLE = re.compile("[\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]+")
# Raised and lowered figures and signs: compatibility normalisation makes 106 of 10⁶.
RAISED = re.compile(r"[²³¹⁰ⁱ⁴-⁹⁺⁻⁼⁽⁾ⁿ₀-₉₊₋₌₍₎ₐ-ₜᵢ-ᵪ™℠№′″‴]+")
# Behind one or two letters they are of a symbol or a unit: η², x₁, km².
SYMBOL = re.compile(r"(?<![^\W_])[^\W\d_]{1,2}[²³¹⁰ⁱ⁴-⁹⁺⁻ⁿ₀-₉ₐ-ₜᵢ-ᵪ]+(?![^\W_])")
# Letters for mathematics and signs of several letters: ℝ, 𝐱, ℃.
LETTERLIKE = re.compile("[\u2100-\u214f\U0001d400-\U0001d7ff]+")
# Narrow and wide.
OPENING_PARENTHESES = frozenset("(（")
# References and marks in square brackets, and the times of a transcript.
BRACKETED = re.compile(r"(?<=\S)\[(?:\d{1,3}|[a-z]|citation needed)\]|\[\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d+)?\]")
# With a letter behind them they are inside a word: H₂O.
FORMULA = re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]{1,8}[₀-₉⁰-⁹²³¹⁺⁻]{1,3}[A-Za-z(][A-Za-z0-9₀-₉⁰-⁹²³¹⁺⁻()·]{0,80}")
# Parts of programs: what stands between backticks, fields of formats, options, names with several dots.
CODE_PARTS = re.compile(
    r"`[^`\n]{1,200}`|(?<![\w%])%(?:\(\w{1,40}\)|\d{1,2}\$)?[-+#0]?\d{0,3}(?:\.\d{1,3})?[sdifgxXc](?![^\W\d_])"
    r"|(?<![\w-])--[a-z][\w-]{0,60}+|(?<![\w./@])[a-z_]\w{0,40}+(?:\.[A-Za-z_]\w{0,40}+){2,10}(?![\w(])"
)
# The same mark four times and more: a rule, a form's blank, a cry. Models write as many as they like.
REPEATED_MARKS = re.compile(r"([^\w\s])\1{3,}|_{3,}")
# A letter four times and more: a laugh, or a word that is drawn out.
DRAWN_OUT = re.compile(r"([^\W\d_])\1{3,}")
# Before a number these belong to it, with a space between or without.
BEFORE_NUMBERS = frozenset("≈≃≅∼~±∓≤≥≦≧<>≪≫=≠№§#$¢£¤¥₡₢₣₤₥₦₧₨₩₪₫€₭₮₱₲₴₵₸₹₺₼₽₾₿×÷·")
# Letters and figures as wide as an ideograph.
FULL_WIDTH = re.compile(r"[\uff01-\uff5e]+")
# Between spaces these are read as a dash.
ARROWS = re.compile(r"(?<=\s)[\u2190-\u21ff\u27f0-\u27ff\u2900-\u297f\u2b00-\u2b11➔-➾]+(?=\s)")
# With white space at both sides, or a word: what parts the places of a path, unless it quotes as in French.
SEPARATOR = re.compile(r"(?<!\S)[‹›«»](?!\S)|(?<=\w)[›»](?=\w)")
SPACED_QUOTES = re.compile(r"«\s[^«»]*\s»|‹\s[^‹›]*\s›|»\w[^«»]*\w«|›\w[^‹›]*\w‹")
# What joins the parts of one emoji; a vocabulary may have, or normalise away, what it lacks the parts of.
JOINERS = re.compile("[\u200d\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff]+")
# One character that says several: ½, ①, ㎡, ㈱.
FRACTION = re.compile(r"(?P<whole>\d+[ \u2009\u202f]?)?(?P<fraction>[¼-¾⅐-⅞↉])")
ENCLOSED = re.compile(r"[\u2460-\u24ff\u2776-\u2793\u3200-\u33ff\U0001f100-\U0001f1e5]+")
FRACTION_SLASH = "\u2044"


def is_letter(character: str) -> bool:
    """Whether it is a letter, or a mark on one; what varies an emoji is none."""
    return unicodedata.category(character)[0] in "LM" and not JOINERS.match(character)


def near_letters(text: str) -> str:
    """Return a letter, or a word, without marks and in the letters that it comes nearest to; others stay."""
    known = "".join(NEAR.get(each) or APOSTROPHES.get(each, each) for each in text)
    bare = "".join(each for each in unicodedata.normalize("NFD", known) if not unicodedata.combining(each))
    return unicodedata.normalize("NFC", bare)


def is_latin(text: str) -> bool:
    """Whether every letter of `text` is Latin."""
    return all(unicodedata.name(each, "").startswith("LATIN") for each in text if each.isalpha())


def find_separators(text: str) -> list[re.Match[str]]:
    """Return where angle quotes part words as signs do: "Home › Market"."""
    return [] if text.isascii() or SPACED_QUOTES.search(text) else list(SEPARATOR.finditer(text))


def typed_fraction(found: re.Match[str]) -> str:
    """Return what a match of `FRACTION` says in plain figures: "1½" is "1 1/2"."""
    typed = unicodedata.normalize("NFKC", found["fraction"]).replace(FRACTION_SLASH, "/")
    return f"{found['whole'].strip()} {typed}" if found["whole"] else typed


DOUBLE_QUOTES = re.compile("[“”„‟«»]")
SINGLE_QUOTES = re.compile("[‘’‚‛‹›]")
SPACED_DASH = re.compile(r"\s([–—―])\s")
# Before an opening quote stands nothing, or one of these.
BEFORE_OPENING = " \t\n\u00a0([{-–—“«‘"


def restore_typography(source: str, written: str) -> str:
    """Return `written` with printed quotes, dashes and ellipses where `source` has them and it has typed ones.

    A source that mixes printed and typed ones of a kind says nothing about which is meant: they stay as written.
    """
    if source.isascii():
        return written
    if find_separators(source):
        source = SEPARATOR.sub("", source)
    if '"' not in source and (quotes := DOUBLE_QUOTES.findall(source)):
        written = print_quotes(written, '"', quotes[0], quotes[1] if len(quotes) > 1 else quotes[0])
    if "'" not in source and (quotes := SINGLE_QUOTES.findall(source)):
        paired = [each for each in quotes if each != "’"]
        opening = paired[0] if paired else "’"
        if paired and '"' not in source and not DOUBLE_QUOTES.search(source):
            written = print_quotes(written, '"', opening, "›" if opening == "‹" else "’")
        written = print_quotes(written, "'", opening, "›" if opening == "‹" else "’")
    if "…" in source and "..." not in source:
        written = written.replace("...", "…")
    if (dash := SPACED_DASH.search(source)) and " - " not in source:
        written = written.replace(" - ", f" {dash[1]} ")
    return written


def print_quotes(text: str, typed: str, opening: str, closing: str) -> str:
    """Replace each `typed` quote in `text` by the printed one that its neighbours ask for."""
    printed, *rest = text.split(typed)
    for piece in rest:
        is_opening = bool(piece) and not piece[0].isspace() and (not printed or printed[-1] in BEFORE_OPENING)
        printed += (opening if is_opening else closing) + piece
    return printed
