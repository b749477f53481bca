"""What programs that show Markdown know beside CommonMark, GitHub's tables and footnotes: read so that it is kept.

Formulas, the marks of templates and of makers of sites (Jekyll, Hugo, MkDocs, Docusaurus, Obsidian), notes in the text.
"""

import re

from markdown_it import MarkdownIt
from markdown_it.helpers import parseLinkLabel
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

WORDS = re.compile(r"[^\W\d_]{3,}\s+[^\W\d_]{3,}")
COMMANDS = re.compile(r"\\[a-z]+\{[^{}]*\}")
FORMULAS = re.compile(
    r"\$\$(?:[^$\\]|\\.)++\$\$"
    r"|(?<![\w$\\])\$(?![\s$\d.,]+\s|\s)(?:[^$\\]|\\.)++(?<!\s)\$(?![\w$])"
    r"|\\\((?:[^\\]|\\[^()])++\\\)|\\\[(?:[^\\]|\\[^\[\]])++\\\]",
    re.DOTALL,
)
# Read as words: values, links to pages by their names.
TEMPLATES = re.compile(r"\{\{(?![<%])[^{}\n]*+\}\}|\[\[[^\[\]\n]++\]\](?![(\[])")
# Not read at all; code and what is commented out goes up to the mark that ends it.
DIRECTIVES = re.compile(
    r"\{%-?\s*(?P<kept>highlight|raw|comment|code|codeblock)\b[^%\n]*%\}(?s:.{0,4000}?)\{%-?\s*end(?P=kept)\s*-?%\}"
    r"|\{%(?:[^%{\n]|%(?!\})|\{(?!%))*+%\}|\{\{<(?:[^>{\n]|>(?!\}\})|\{(?!\{<))*+>\}\}"
    r"|\{\{%(?:[^%{\n]|%(?!\}\})|\{(?!\{%))*+%\}\}|\{[:#.][^{}\n]*+\}|%%(?:[^%]|%(?!%))++%%|!\[\[[^\[\]\n]++\]\]"
)
# At the start of a block: a task's box, the kind of an alert.
FIRST = re.compile(r"\[[ xX]\](?=\s)|\[![A-Za-z]+\][+-]?")
# Lines that begin what goes up to a line of its own: the first pattern is of that one, the second of the last, in which
# NAME stands for what the first one names.
ENCLOSED = (
    (re.compile(r"(\$\$)[ \t]*\Z"), r"\$\$[ \t]*\Z"),
    (re.compile(r"(\\\[)[ \t]*\Z"), r"\\\][ \t]*\Z"),
    (re.compile(r"\{%-?\s*(highlight|raw|comment|code|codeblock)\b[^%]*%\}"), r"\{%-?\s*endNAME\s*-?%\}"),
    (re.compile(r"\{\{[<%]\s*(highlight|code|mermaid|katex)\b[^<>%]*[%>]\}\}"), r"\{\{[<%]\s*/\s*NAME\s*[%>]\}\}"),
)
# Lines of their own, with words or without: borders of containers, abbreviations.
LABELLED = re.compile(
    r":{3,}[ \t]*(?:\{[^{}]*\}|[\w-]+)?(?:\[(?P<bracketed>[^\[\]]*)\]|[ \t]+(?P<title>[^\s{][^{}]*+))?"
    r"[ \t]*(?:\{[^{}]*\})?[ \t]*\Z"
    r"|\*\[[^\[\]]+\]:[ \t]+(?P<meaning>\S.*+)\Z"
)
# Lines that begin what is indented below.
ADMONITIONS = re.compile(
    r"(?:!!!|\?\?\?\+?|===[!+]?)(?:[ \t]+[\w-]++)*+[ \t]*+(?:(?<=[ \t])\"(?P<title>[^\"]*)\"[ \t]*)?\Z"
)
INDENTATION = 4


def extend(markdown: MarkdownIt) -> None:
    """Teach a parser all of it."""
    for name, rule in (("enclosed", read_enclosed), ("label", read_label), ("admonition", read_admonition)):
        markdown.block.ruler.before("table", name, rule, {"alt": ["paragraph", "reference", "blockquote", "list"]})
    markdown.inline.ruler.before("escape", "kept", read_kept)
    markdown.inline.ruler.before("link", "note", read_note)


def read_kept(state: StateInline, silent: bool) -> bool:
    """Read what stays to the letter: formulas, templates, boxes of tasks."""
    source, at = state.src, state.pos
    is_alone = False
    found = None
    if source[at] in "$\\":
        found = FORMULAS.match(source, at, state.posMax)
        if found and source[at] == "\\" and WORDS.search(COMMANDS.sub("", found[0])):
            found = None  # brackets that were escaped
    elif source[at] in "{[%!":
        found = TEMPLATES.match(source, at, state.posMax)
        if not found:
            is_alone = True
            found = DIRECTIVES.match(source, at, state.posMax) or (FIRST.match(source) if at == 0 else None)
    if not found:
        return False
    if not silent:
        token = state.push("kept", "", 0)
        token.content = found[0]
        token.info = "alone" if is_alone else ""
    state.pos = found.end()
    return True


def read_note(state: StateInline, silent: bool) -> bool:
    """Read a footnote that stands in the text: "^[words]"."""
    if not state.src.startswith("^[", state.pos) or (end := parseLinkLabel(state, state.pos + 1)) < 0:
        return False
    if not silent:
        content = state.src[state.pos + 2 : end]
        children: list[Token] = []
        state.md.inline.parse(content, state.md, state.env, children)
        token = state.push("note", "", 0)
        token.content, token.children = content, children
    state.pos = end + 1
    return True


def words_of(state: StateBlock, line: int) -> str:
    """Return what stands on a line behind the marks of quotes and lists."""
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]


def read_enclosed(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """Read a formula or code that stands on lines of its own, up to the line that ends it."""
    words = words_of(state, start_line)
    if words[:1] not in ("$", "\\", "{") or state.is_code_block(start_line):
        return False
    found, closing = next(((begin.match(words), end) for begin, end in ENCLOSED if begin.match(words)), (None, ""))
    if not found:
        return False
    closing = closing.replace("NAME", found[1])
    ending = re.compile(closing)
    if ending.search(words, found.end()):
        return False  # all on one line
    # Where none is closed up to a line, none that begins later is.
    unclosed = state.env.setdefault("unclosed", set())
    if (closing, end_line) in unclosed:
        return False
    for line in range(start_line + 1, end_line):
        if state.sCount[line] < state.blkIndent and not state.isEmpty(line):
            return False
        if ending.search(words_of(state, line)):
            break
    else:
        unclosed.add((closing, end_line))
        return False
    if not silent:
        state.line = line + 1
        state.push("enclosed", "", 0).map = [start_line, state.line]
    return True


def read_label(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """Read a line that is one for itself, with the words in it."""
    words = words_of(state, start_line)
    if not words.startswith((":::", "*[")) or state.is_code_block(start_line):
        return False
    found = LABELLED.match(words)
    if not found:
        return False
    if not silent:
        state.line = start_line + 1
        state.push("label_open", "", 1).map = [start_line, state.line]
        push_words(state, start_line, found, found.lastgroup)
        state.push("label_close", "", -1)
    return True


def read_admonition(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """Read a line of MkDocs that begins a note or a tab, and what is indented below it."""
    words = words_of(state, start_line)
    if not words.startswith(("!!!", "???", "===")) or state.is_code_block(start_line):
        return False
    found = ADMONITIONS.match(words)
    if not found:
        return False
    inner = state.blkIndent + INDENTATION
    last = next_line = start_line + 1
    while next_line < end_line and (state.isEmpty(next_line) or state.sCount[next_line] >= inner):
        next_line += 1
        last = last if state.isEmpty(next_line - 1) else next_line
    if found["title"] is None and (words[0] == "=" or last == start_line + 1):
        return False
    if silent:
        return True
    state.push("label_open", "", 1).map = [start_line, last]
    push_words(state, start_line, found, found.lastgroup)
    state.push("label_close", "", -1)
    outer = (state.blkIndent, state.lineMax, state.parentType)
    state.blkIndent, state.lineMax = inner, last
    state.push("admonition_open", "", 1).map = [start_line, last]
    state.md.block.tokenize(state, start_line + 1, last)
    state.push("admonition_close", "", -1)
    state.blkIndent, state.lineMax, state.parentType = outer
    state.line = last
    return True


def push_words(state: StateBlock, line: int, found: re.Match[str], group: str | None) -> None:
    """Add the inline token of the words that a group of a pattern found on a line, if it found any."""
    if not group or not found[group].strip():
        return
    token = state.push("inline", "", 0)
    token.content = found[group].strip()
    token.map = [line, line + 1]
    token.children = []
    start = state.bMarks[line] + state.tShift[line] + found.start(group)
    token.meta["starts"] = [start + len(found[group]) - len(found[group].lstrip())]
