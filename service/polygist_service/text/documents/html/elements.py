"""What is known of the elements of HTML: which hold text of their own, which end others, which are never translated."""

from polygist_service.text.documents.base import BlockKind


def names(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


HEADINGS = {f"h{level}": level for level in range(1, 7)}

# Without an end tag.
VOID = names("area base basefont bgsound br col embed frame hr img input keygen link meta param source track wbr")
# Left alone, and nothing of them is read: programs, styles, drawings, and what is shown in place of what is not there.
UNREAD = names("script style template noembed noframes iframe svg textarea xmp plaintext listing")
SKIPPED = UNREAD | {"math"}
# Left alone, and read as they are.
KEPT = names("code kbd samp var pre")
# Their notes are for those who read the words that they are on.
NOTES = names("rt rp rtc")
# With namespaces of their own; these tags of HTML end them.
FOREIGN = names("svg math")
ENDS_FOREIGN = names(
    "b big blockquote body br center code dd div dl dt em embed h1 h2 h3 h4 h5 h6 head hr i img li listing menu"
    " meta nobr ol p pre ruby s small span strong strike sub sup table tt u ul var"
)
HTML_IN_FOREIGN = names("foreignobject desc title annotation-xml mi mo mn ms mtext")

# What stands in one of these is read apart from what stands around it: blocks as the standard's style sheet has them,
# cells, and controls of forms.
BORDERS = names(
    "html head title base body address article aside blockquote center dd details dialog dir div dl dt fieldset"
    " figcaption figure footer form frame frameset h1 h2 h3 h4 h5 h6 header hgroup hr legend li listing main menu"
    " nav noframes ol optgroup option p plaintext pre search section summary table caption col colgroup tbody"
    " thead tfoot tr td th ul xmp audio button canvas datalist embed iframe input label legend marquee meter"
    " noscript object output progress select textarea video"
)
# They stay open, word for word, when what they stand in ends.
FORMATTING = names("a b big code em font i nobr s small strike strong tt u")
SPECIAL = names(
    "address applet area article aside base basefont bgsound blockquote body br button caption center col"
    " colgroup dd details dir div dl dt embed fieldset figcaption figure footer form frame frameset h1 h2 h3 h4 h5"
    " h6 head header hgroup hr html iframe img input keygen li link listing main marquee menu meta nav noembed"
    " noframes noscript object ol p param plaintext pre script search section select source style summary table"
    " tbody td template textarea tfoot th thead title tr track ul wbr xmp"
)
# An end tag ends nothing that is outside of one of these.
SCOPES = names("applet caption html marquee object select table td template th")
# What is left open in one of these ends with it.
MARKERS = names("applet caption marquee object td template th")
LISTS = names("dir menu ol ul")
TABLE_PARTS = names("caption colgroup table tbody td tfoot th thead tr")
ENDS_PARAGRAPH = names(
    "address article aside blockquote center dd details dialog dir div dl dt fieldset figcaption figure footer"
    " form h1 h2 h3 h4 h5 h6 header hgroup hr li listing main menu nav ol p plaintext pre search section summary"
    " table ul xmp"
)
# A start tag ends what is open of these, nearest first, inside of its table.
ENDS_IN_TABLE = {
    **dict.fromkeys(("td", "th"), frozenset(("td", "th", "caption", "colgroup"))),
    "tr": frozenset(("tr", "caption", "colgroup")),
    **dict.fromkeys(
        ("tbody", "thead", "tfoot", "caption", "colgroup"),
        frozenset(("tbody", "thead", "tfoot", "caption", "colgroup")),
    ),
}

BLOCK_KINDS = {
    **dict.fromkeys(("title", *HEADINGS), BlockKind.HEADING),
    **dict.fromkeys(("li", "dd", "dt"), BlockKind.LIST_ITEM),
    **dict.fromkeys(("td", "th"), BlockKind.ROW),
    **dict.fromkeys(("caption", "figcaption"), BlockKind.CAPTION),
    **dict.fromkeys(("button", "label", "legend", "optgroup", "option", "summary"), BlockKind.OTHER),
    **dict.fromkeys(("blockquote", "p"), BlockKind.PARAGRAPH),
    "pre": BlockKind.CODE,
}
# About the site rather than the matter; not forms, as some programs put one around all of a page.
ASIDES = names("aside button datalist dialog label menu nav search select")
ASIDE_ROLES = names(
    "alert alertdialog banner button complementary contentinfo dialog menu menubar navigation search tablist"
    " toolbar tooltip"
)
MAINS = names("article main")
# Shown where nothing better can be.
FALLBACKS = names("audio canvas datalist noscript object video")

# Attributes that people read, and the tags whose titles programs read.
READ_ATTRIBUTES = ("alt", "title", "placeholder", "aria-label")
UNREAD_TITLES = names("link style")
