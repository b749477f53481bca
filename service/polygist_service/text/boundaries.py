"""Whether a place where Unicode's rules end a sentence lies inside one, by the words on both sides of it."""

import re

from polygist_service.text.abbreviations import Abbreviation, Lexicon

CLOSERS = "\"'”’»)]}›“"
QUOTES = frozenset("\"'”’»›“")
# Of the last token before a full stop: the letters and inner full stops at its end. "Dr", "p.ex", "J.-J.R" gives "J.R".
LAST_WORD = re.compile(r"(?:[^\W\d_]{1,12}\.)*[^\W\d_]{1,12}(?:[/'’][^\W\d_]{1,3})?$")
# No longer token is an abbreviation.
LONGEST_TOKEN = 24
NOT_IN_WORDS = re.compile(r"[-–—/(\[{\"“”„«‘'’`´¿¡*_|]+")
# What comes next: opening signs, a word or a number, what ends it.
FOLLOWING = re.compile(
    r"(?P<opening>[\"“„«‘'(\[{¿¡*_]*)(?P<word>[^\W\d_]+|\d+)?(?P<link>\.(?=\s|[^\W\d_]\.)|[-‑'’](?=\w)|,)?"
)
# Quotation marks that open, a nickname or a title between two of them, and a word before one in lower case.
QUOTED = re.compile(r".*[\"“„«‘'’”]")
NICKNAME = re.compile(r"[\"“„«‘'”](?:\w{1,24}[\s-]){0,2}\w{1,24}[\"”“»’'](?!\w)")
SENTENCE = re.compile(r"[^\W\d_]+ (?P<second>[a-zà-ÿ]+)")
# What joins two names, or introduces a sum or a section.
JOINING_SIGNS = frozenset("&+/§#$€£¥%=<>@")
ROMAN = re.compile(r"[IVXLCDM]+$")
# "“Who pays?” Maria Silva asked": a name, and who said it.
NAMED_SPEAKER = re.compile(r"(?P<name>(?:(?:[A-ZÀ-Þ][\w'’.-]*|d[aeo]s?)[ \xa0]){1,4})(?P<verb>[^\W\d_]+)")
# "Stop! he cried".
SPEAKER = re.compile(r"(?:he|she|they|I|we|ele|ela|eles|elas|eu) (?P<verb>[^\W\d_]+)")
# What is an acronym rather than an abbreviation where all of it is capitals ("TV.").
UNSHOUTED = frozenset((Abbreviation.TITLE, Abbreviation.REFERENCE, Abbreviation.NUMBERED, Abbreviation.CLOSING))
# What a name follows.
BEFORE_NAMES = frozenset((Abbreviation.NEVER, Abbreviation.TITLE, Abbreviation.STREET))
CAPITALS = re.compile(r"[^\W\d_]{2}")
FAR_FOLLOWING = 60
# Abbreviations that are in no list: the letters of one before a number, and of one beside others.
SHORT, LONGEST_UNKNOWN = 3, 7
CHAINED = re.compile(r"(?:[A-ZÀ-Þ]|[A-ZÀ-Þ][a-zà-ÿ]{1,6})\.")
CHAIN = re.compile(r"(?P<word>[A-ZÀ-Þ][a-zà-ÿ]{1,6})\.\s")
ISSUE = re.compile(r"\d{1,4} ?[(:,]")
# "i. e.", "e. g."
SPACED_ABBREVIATION = re.compile(r"\W*[a-z]\.$")
# "On Mon. Congress met", "on Mon. November 5", but "on Mon. Tuesday is fine".
DATED = re.compile(r"[A-Z][a-z]{2,8}\.? \d")
# What ends a sentence by Unicode's rules, and only a clause in Burmese and Shan.
CLAUSE_MARKS = frozenset("\u104a")
# One initial or several in a script that has no capitals, and no words of one letter but "and" and "was".
LONE_LETTER = re.compile(r"(?:[\u0620-\u064a\u066e-\u06d3]\.)*(?!و)[\u0620-\u064a\u066e-\u06d3]$")
# Scripts in which a full stop ends no sentence: Thai, Burmese and Khmer have other marks or none.
STOPLESS = re.compile(r"[\u0e00-\u0e7f\u1000-\u109f\u1780-\u17ff]$")
# Ampere, volt, degrees.
UNIT_LETTERS = frozenset("AVCFK")
# Names that end in an exclamation or question mark, which a capital may follow.
EXCLAIMING_NAMES = frozenset(
    ("yahoo", "jeopardy", "wham", "yum", "kahoot", "democracy now", "mamma mia", "moulin rouge", "panic", "chips ahoy")
)
# A full stop, and what Unicode's rules take for no new sentence: a number before a lower case, a dash, a lower case.
RESUMPTION = re.compile(r"\.[ \xa0]++(?=\d|[-–—]{1,2} ?[\"“]?[A-ZÀ-Þ]|(?P<lower>[a-zà-ÿ]{1,8})\b(?!\.))")
# A new turn in a dialogue: "Who is it? - Me".
TURNS = tuple(
    re.compile(mark + r"[ \xa0]++(?=[-–—]{1,2} ?[\"“]?(?P<capital>[A-ZÀ-Þ]\w{0,24}))") for mark in (r"\?", "!")
)
# An ellipsis, which ends no sentence there.
ELLIPSIS = re.compile(r"…[ \xa0]++(?=(?P<capital>[A-ZÀ-Þ][a-zà-ÿ]{0,8})\b)")
PLAIN_WORD = re.compile(r"(?<![\w.])(?:[a-zà-ÿ]{4,}|(?:1[5-9]|20)\d\d)$")
# In the token before them, scripts that are written without spaces do not count.
ASCII_TERMINATORS = frozenset(".?!…\"')]}”’»")

# "for 1,000.That is": what Unicode's rules part without a space, and rightly.
FORGOTTEN_SPACE = re.compile(r"[A-ZÀ-Þ][a-zà-ÿ]+\s")
FINISHED = re.compile(r"(?:\d\d|\.\.\.)\.$")


def is_inside_token(before: str, following: str) -> bool:
    """Whether no white space parts `before` from what follows, and both are of a script that parts words.

    Args:
        before: ends where the boundary is.
        following: what comes next, not empty.
    """
    last = before[-1]
    if last not in ASCII_TERMINATORS:
        return last in "[({" and before[-2:-1] in ".?!"
    if FORGOTTEN_SPACE.match(following) and FINISHED.search(before[-4:]):
        return False
    first = following[0]
    return (first.isalnum() and first < "\u2e80") or first in "/&=#%_~+-@°"


def is_inside_sentence(before: str, following: str, lexicon: Lexicon) -> bool:
    """Whether the sentence that ends in `before` by its punctuation goes on.

    Args:
        before: its end, without white space, at least forty characters of it where it has as many.
        following: what comes next.
        lexicon: of its language.
    """
    core = before.rstrip(CLOSERS)
    closers = before[len(core) :]
    if core[-1:] in CLAUSE_MARKS:
        return True
    if core[-1:] == "." and core[-2:-1] != ".":
        return goes_on_after_full_stop(core[:-1], closers, following, lexicon)
    if core[-1:] in ("?", "!"):
        return goes_on_after_mark(core, closers, following, lexicon)
    return core.endswith("..") and is_stutter(core.rstrip("."), following)


def goes_on_after_full_stop(text: str, closers: str, following: str, lexicon: Lexicon) -> bool:
    """Whether a full stop behind `text` belongs to an abbreviation, an initial or an ordinal.

    Args:
        text: what stands before the full stop.
        closers: quotes and brackets behind it.
        following: what comes next.
        lexicon: of the language.
    """
    if STOPLESS.search(text[-1:]):
        return True
    *others, token = text.rsplit(None, 2)[-2:] or [""]
    previous = others[0] if others else ""
    known = lexicon.abbreviations.get(token.lower())
    # Nearly every sentence ends in a plain word: hardly anything else is looked at.
    if known is None and len(token) > 1 and token.isalpha() and token not in lexicon.suppressions:
        return not closers and goes_on_after_unknown(token, previous, following, lexicon)
    if is_in_journal(token, previous, following, lexicon):
        return True
    if token[0:1] == "(" and closers == ")" and token[1:].isalpha():  # "(ret.) John Day"
        found = FOLLOWING.match(following)
        return found is not None and not begins_sentence(following, found, lexicon)
    if len(token) > LONGEST_TOKEN or not QUOTES.isdisjoint(closers):
        return False
    if token.isdecimal():
        return is_german_ordinal(token, previous, following, lexicon)
    token = NOT_IN_WORDS.split(token)[-1] if known is None else token
    found = LAST_WORD.match(token)
    if found is None or LONE_LETTER.match(token):
        is_known = found is not None or token in lexicon.abbreviations
        return is_known and following[:1].isalpha() and not previous[-1:].isdecimal()
    if len(token) > 1 and text.isupper() and is_in_capitals(following):
        return goes_on_in_capitals(found[0], previous, following, lexicon)
    return goes_on_after_word(found[0], previous, following, lexicon)


def goes_on_after_unknown(word: str, previous: str, following: str, lexicon: Lexicon) -> bool:
    """Whether a word that is in no list is an abbreviation: by the number, or by the others, that it stands beside.

    Args:
        word: letters alone.
        previous: the token before it.
        following: what comes next.
        lexicon: of the language.
    """
    if not lexicon.starters or len(word) > LONGEST_UNKNOWN:
        return False
    if word.islower():  # "cl. 4.2"
        is_unit = word in lexicon.units or previous[-1:].isdecimal()
        return len(word) <= SHORT and following[:1].isdecimal() and word not in lexicon.starters and not is_unit
    return is_in_journal(word, previous, following, lexicon)


def is_in_journal(word: str, previous: str, following: str, lexicon: Lexicon) -> bool:
    """Whether a word is one of the title of a journal, behind an initial: "J. Mach. Learn. Res. 12"."""
    if not word.istitle() or not CHAINED.fullmatch(previous) or not lexicon.starters:
        return False
    if following[:1].isdecimal():
        return len(previous) > len("J.") or bool(ISSUE.match(following))
    found = CHAIN.match(following)
    return found is not None and word.isalpha() and found["word"].lower() not in lexicon.starters


def is_in_capitals(text: str) -> bool:
    """Whether `text` begins with capitals alone, which make a word."""
    begin = " ".join(text[:FAR_FOLLOWING].split(None, 2)[:2])
    return begin.isupper() and bool(CAPITALS.search(begin))


def goes_on_in_capitals(word: str, previous: str, following: str, lexicon: Lexicon) -> bool:
    """Decide as in small letters, which all could follow an abbreviation; pronouns and articles begin sentences."""
    word, previous, following = word.lower(), previous.lower(), following[:FAR_FOLLOWING].lower()
    found = FOLLOWING.match(following)
    kind = kind_of(word, previous, lexicon)
    if found and kind not in BEFORE_NAMES and (found["link"] == "," or found["word"] in lexicon.openers):
        return False
    return goes_on_after_word(word, previous, following, lexicon)


def is_german_ordinal(number: str, previous: str, following: str, lexicon: Lexicon) -> bool:
    """Whether a number with a full stop is one of the ordinals that German writes so ("am 3. Oktober")."""
    if "usw" not in lexicon.abbreviations or len(number) > 2:
        return False
    found = FOLLOWING.match(following)
    follower = found["word"] if found else None
    is_noun = follower is not None and follower.lower() not in lexicon.starters
    return is_noun and (previous[:1].islower() or previous.lower() in lexicon.starters)


def goes_on_after_word(word: str, previous: str, following: str, lexicon: Lexicon) -> bool:
    """Decide by the word before a full stop and the one behind it.

    Args:
        word: with inner full stops, without the last one.
        previous: the token before it; empty where the sentence begins with `word`.
        following: what comes next.
        lexicon: of the language.
    """
    found = FOLLOWING.match(following)
    assert found is not None
    opening, follower = found["opening"], found["word"] or ""
    folded = follower.lower()
    # "A. Silva" and "All-Star" begin with no article; "O'Brien" with no "O", but "It's" with "it".
    is_word = found["link"] is None or found["link"] == "," or (found["link"] in "'’" and len(follower) > 1)
    is_starter = is_word and begins_sentence(following, found, lexicon)
    is_quoted = bool(QUOTED.match(opening)) and not NICKNAME.match(following)
    if len(word) == 1 == len(follower) and found["link"] == ".":  # "z. B.", "J. R."
        return True
    if len(word) == 1 and word.isupper() and (follower or opening):
        if is_quoted and previous[:1].isupper() and len(previous) > 2 and previous.endswith(","):
            return True  # "Garrison, D. “The First Ten Seconds.”"
        return goes_on_after_initial(word, previous, folded, is_starter, lexicon)
    kind = kind_of(word, previous, lexicon)
    if kind is None or (word.isupper() and "." not in word and kind in UNSHOUTED and follower.istitle()):
        return False
    if not follower:
        return following[:1] in JOINING_SIGNS
    is_counted = previous[-1:].isdecimal() and (len(follower) > 1 or is_starter)  # "300 pp.", but "30 deg. C"
    if is_counted and word.lower() in lexicon.numbered and not follower.isdecimal():
        return False
    if follower.isdecimal():
        return kind is not Abbreviation.LAST and not (is_quoted and kind is Abbreviation.CLOSING)
    if follower.islower():
        return True
    match kind:
        case Abbreviation.NEVER:
            return True
        case Abbreviation.STREET:
            is_behind_name = previous[:1].isupper() and previous.lower() not in lexicon.starters
            return not is_quoted and not (is_starter and is_behind_name)
        case Abbreviation.TITLE:
            # "em Mons. Na época": before a lower case, any starter will do.
            is_certain = is_starter if SENTENCE.match(following) else is_word and folded in lexicon.certain_starters
            return not is_quoted and not is_certain
        case Abbreviation.NUMBERED:
            return follower != "I" and (bool(ROMAN.match(follower)) or (len(follower) == 1 and not is_starter))
        case Abbreviation.DATE:
            return previous[:1].isupper() or not previous or bool(DATED.match(following))
        case Abbreviation.REFERENCE if len(follower) == 1:
            return follower != "I"
        case Abbreviation.TIME | Abbreviation.LAST:
            return kind is Abbreviation.TIME and folded in lexicon.hours
        case _:
            # "presidente dos E.U.A. João ...": a name in apposition.
            is_person = folded in lexicon.given_names and previous.lower() not in ("dos", "da", "do")
            # "Portland, Ore. Rain is common": what is set apart by a comma goes with no single noun.
            sentence = SENTENCE.match(following) if previous.endswith(",") and "." not in word else None
            is_apart = sentence is not None and sentence["second"] not in ("of", "and")
            return not (is_starter or is_quoted or is_person or is_apart)


def begins_sentence(following: str, found: re.Match[str], lexicon: Lexicon) -> bool:
    """Whether the word that `found` has of what follows begins sentences: by itself, or by what comes behind it."""
    word = (found["word"] or "").lower()
    if word in lexicon.starters or (found["link"] == "," and word.endswith(("ly", "mente", "ment"))):
        return True
    sentence = SENTENCE.match(following, found.start("word") if found["word"] else 0)
    if sentence is None:
        return False
    return sentence["second"] in lexicon.subjects or word.endswith(lexicon.past_endings)


def goes_on_after_initial(letter: str, previous: str, follower: str, is_starter: bool, lexicon: Lexicon) -> bool:
    """Whether a single capital is an initial, rather than the end of "vitamin C", "so do I"."""
    if not previous:
        return letter != "I" or not is_starter
    noun = previous.lower().strip("(\"'“‘«")
    if noun in lexicon.lettered or is_starter:
        return False
    if letter in UNIT_LETTERS and noun[-1:].isdecimal():
        return False
    return letter != "I" or noun.endswith(".")


def kind_of(word: str, previous: str, lexicon: Lexicon) -> Abbreviation | None:
    """What a word is as an abbreviation, None where it is none; `previous` tells units and "et al." from others."""
    folded = word.lower()
    if folded in lexicon.units and previous[-1:].isdecimal() and not word.istitle():
        return None
    if len(word) == 1 and SPACED_ABBREVIATION.match(previous):
        return Abbreviation.NEVER
    if folded == "al" and previous.lower() == "et":
        return Abbreviation.CLOSING
    if folded == "ex":
        return Abbreviation.NEVER if previous.lower().endswith("p.") else None
    kind = lexicon.abbreviations.get(folded)
    if kind is Abbreviation.TIME and "." not in word and not previous[-1:].isdecimal():
        return None
    if kind is not None and folded in lexicon.capitalised and not word[0].isupper():
        return Abbreviation.NUMBERED if folded in lexicon.numbered else None
    if kind is not None:
        return kind
    if word in lexicon.suppressions:
        return Abbreviation.CLOSING
    parts = word.split(".")
    is_acronym = len(parts) > 1 and bool(lexicon.starters) and all(len(part) <= 2 for part in parts)
    return Abbreviation.CLOSING if is_acronym else None


def goes_on_after_mark(text: str, closers: str, following: str, lexicon: Lexicon) -> bool:
    """Whether a sentence goes on behind a question or exclamation mark.

    Args:
        text: ends in the mark, or in several.
        closers: quotes and brackets behind it.
        following: what comes next.
        lexicon: of the language.
    """
    first = following[:1]
    if closers:
        if first.islower() or (first == "I" and is_told(following, lexicon)):
            return True
        if QUOTES.isdisjoint(closers):
            return False
        speaker = NAMED_SPEAKER.match(following)
        if speaker is None or speaker["verb"] not in lexicon.speech:
            return False
        first = speaker["name"].split(None, 1)[0].lower()
        return first not in lexicon.starters or first in lexicon.given_names
    core = text.rstrip("?!")
    is_single = len(text) - len(core) == 1
    *others, token = core.rsplit(None, 2)[-2:] or [""]
    previous = others[0] if others else ""
    name = token.lower().lstrip("(\"'“‘«")
    found = FOLLOWING.match(following)
    follower = (found["word"] or "").lower() if found else ""
    is_known = name in EXCLAIMING_NAMES or f"{previous.lower()} {name}" in EXCLAIMING_NAMES
    if first.islower():
        if "?" in token or "!" in token:
            return True
        if SPEAKER.match(following):
            return is_told(following, lexicon)
        is_name = is_single and token[:1].isupper() and (len(token) == 1 or not token.isupper())
        if previous or is_known:
            return (is_name and follower not in lexicon.resumptions) or follower in lexicon.speech
        return follower in lexicon.speech or (is_name and begins_with_name(text, name, follower, lexicon))
    is_name = is_known or (len(token) == 1 and token.isupper() and token not in "IO")
    return is_name and is_single and first.isupper() and follower not in lexicon.starters


def begins_with_name(text: str, name: str, follower: str, lexicon: Lexicon) -> bool:
    """Whether the first word of a sentence is a name with a mark ("Oliver! opened in June") and no exclamation.

    Args:
        text: ends in the mark.
        name: the word, in lower case.
        follower: what comes next, in lower case.
        lexicon: of the language.
    """
    if follower in lexicon.auxiliaries:
        return True
    is_name = text[-1] == "!" and name not in lexicon.starters and name not in lexicon.interjections
    return bool(lexicon.interjections) and is_name and follower not in lexicon.starters | lexicon.resumptions


def is_told(following: str, lexicon: Lexicon) -> bool:
    """Whether a pronoun and a verb of speech follow ("he said")."""
    speaker = SPEAKER.match(following)
    return speaker is not None and speaker["verb"] in lexicon.speech


def is_stutter(text: str, following: str) -> bool:
    """Whether an ellipsis stands between a word and the same word once more ("I... I do")."""
    token = text.rsplit(None, 1)[-1:] or [""]
    word = token[0].strip("\"'“”‘’«»(").lower()
    return bool(word) and len(word) < LONGEST_TOKEN and following[: len(word)].lower() == word


def find_resumptions(text: str, lexicon: Lexicon) -> list[int]:
    """Find sentences that Unicode's rules do not see, for they begin with a number, a dash or without their capital.

    Args:
        text: any text; linear in its length.
        lexicon: of its language; nothing is found where it knows no words that resume.

    Returns:
        Where they begin.
    """
    if not lexicon.resumptions:
        return []
    found = [each.end() for each in RESUMPTION.finditer(text) if is_resumption(each, lexicon)]
    for turn in TURNS:
        # "— Who pays? — Asked the mayor": whoever gives it a capital begins no turn.
        found.extend(each.end() for each in turn.finditer(text) if each["capital"].lower() not in lexicon.speech)
    if "…" in text:
        found.extend(each.end() for each in ELLIPSIS.finditer(text) if is_new_after_ellipsis(each, lexicon))
    return found


def is_resumption(found: re.Match[str], lexicon: Lexicon) -> bool:
    """Whether the word before the full stop is no abbreviation, and one behind it begins sentences."""
    if found["lower"] and found["lower"] not in lexicon.resumptions:
        return False
    word = PLAIN_WORD.search(found.string, max(0, found.start() - LONGEST_TOKEN), found.start())
    return word is not None and word[0] not in lexicon.abbreviations


def is_new_after_ellipsis(found: re.Match[str], lexicon: Lexicon) -> bool:
    """Whether the word behind the ellipsis begins sentences, and is not the one before once more."""
    before = found.string[max(0, found.start() - LONGEST_TOKEN) : found.start()]
    return found["capital"].lower() in lexicon.starters and not is_stutter(before, found["capital"])
