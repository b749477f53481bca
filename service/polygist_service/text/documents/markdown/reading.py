"""How a parser reads what was written for a block of Markdown: the same marks must be in it."""

from collections.abc import Iterable, Sequence

from polygist_service.text.documents.markdown.atoms import Sign
from polygist_service.text.documents.markdown.content import read_signs
from polygist_service.text.documents.markdown.parsing import References, Shape, parse_tokens
from polygist_service.text.documents.markdown.sentences import MarkdownBlock

# What is put around the words of a block to parse them for themselves, and the tokens that they are then.
FRAMES = {
    Shape.PARAGRAPH: ("", "", ("paragraph_open", "inline", "paragraph_close")),
    Shape.UNDERLINED: ("", "\n===", ("heading_open", "inline", "heading_close")),
    Shape.HEADING: ("# ", "", ("heading_open", "inline", "heading_close")),
    Shape.LABEL: ("# ", "", ("heading_open", "inline", "heading_close")),
    Shape.TERM: ("", "\n: x", None),
    Shape.CELL: ("|x|\n|-|\n|", "|", None),
    Shape.DEFINITION: ("", "", ("definition",)),
}


def is_read_as(block: MarkdownBlock, letters: str, signs: Sequence[Sign], references: References) -> bool:
    """Whether the parser finds in the place of a block what is meant.

    Args:
        block: that something was written for.
        letters: what was, without what stands in front of further lines.
        signs: of the marks that were meant, and of the words between them.
        references: what links may name.
    """
    if block.shape is Shape.VALUE:
        return True
    before, after, kinds = FRAMES[block.shape]
    if block.shape is Shape.UNDERLINED and block.level > 1:
        after = "\n---"
    content = block.contents[0]
    letters = content.letters.text[: content.start] + letters + content.letters.text[content.end :]
    tokens, _ = parse_tokens(f"{before}{letters}{after}", references)
    if kinds and tuple(token.type for token in tokens) != kinds:
        return False
    if block.shape is Shape.DEFINITION:
        return join_signs([("title", tokens[0].meta["title"])]) == join_signs(signs)
    parents = {Shape.TERM: "dt_open", Shape.CELL: "td_open"}
    found = [
        token.children or ()
        for parent, token in zip([None, *tokens], tokens, strict=False)
        if token.type == "inline" and (block.shape not in parents or (parent and parent.type == parents[block.shape]))
    ]
    return len(found) == 1 and join_signs(read_signs(found[0])) == join_signs(signs)


def join_signs(signs: Iterable[Sign]) -> list[Sign]:
    """Return signs with neighbouring pieces of text as one, without white space."""
    joined: list[tuple[str, list[str]]] = []
    for kind, own in signs:
        own = "".join(own.split()).replace("\0", "\ufffd") if kind in ("text", "title") else own
        if kind == "text" and not own:
            continue
        if kind in ("text", "title") and joined and joined[-1][0] == kind:
            joined[-1][1].append(own)
        else:
            joined.append((kind, [own]))
    return [(kind, "".join(own)) for kind, own in joined]
