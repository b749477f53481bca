"""A file as it comes in, and as it is once it was read."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from polygist_service.errors import (
    InvalidDocument,
    InvalidRequest,
    RequestTooLarge,
    UnsupportedDocument,
    UnsupportedMimeType,
)
from polygist_service.text.documents import read_layout
from polygist_service.text.documents.base import HTML
from polygist_service.text.documents.files import read_file
from polygist_service.text.documents.files.base import DocumentFile, FileText, ReadOptions
from polygist_service.text.documents.files.kinds import GETTEXT, NAMES, tell_mime_type
from polygist_service.text.documents.plain_view import PlainView

# Pages, and files that are read as such, may have so many times the characters that may be read of them: scripts, marks
# of runs. To find out what is read of other texts takes longer, and they have few marks.
MOST_MARKS = 4


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file that was read.

    Attributes:
        mime_type: what it was read as.
        file: writes it again.
        texts: what is translated of it.
        view: what was read of it, as one plain text.
    """

    mime_type: str
    file: DocumentFile
    texts: Sequence[FileText]
    view: PlainView


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFile:
    """A file of a request.

    Attributes:
        document: its bytes.
        mime_type: what its sender says that it is, in lower case and without parameters; empty where nobody does.
        name: of the file; may be empty.
        options: how it is read.
        most_characters: that may be read of it.
        document_field, type_field: paths of `document` and `mime_type` in the request.
    """

    document: bytes = field(repr=False)
    options: ReadOptions
    most_characters: int
    mime_type: str = ""
    name: str = ""
    document_field: str = "document"
    type_field: str = "mime_type"

    def open(self) -> OpenFile:
        """Read the file.

        Raises:
            InvalidRequest: it is damaged, encrypted, hostile or of no kind that is read, or has too much text.
            UnsupportedCapability: what reads such files is not installed.
        """
        try:
            return self._open()
        except UnsupportedDocument as error:
            allowed = ", ".join(NAMES)
            message = f"{error.message}; this version takes: {allowed}"
            raise UnsupportedMimeType(self.type_field, message, metadata={"allowed": allowed}) from None
        except InvalidDocument as error:
            raise InvalidRequest(self.document_field, error.message) from None

    def _open(self) -> OpenFile:
        mime_type = tell_mime_type(self.document, self.name, self.mime_type, self.options.charset)
        if mime_type != GETTEXT and (self.options.mark_fuzzy or self.options.retranslate):
            raise InvalidRequest(
                "catalogue_config", f"is for catalogues of messages, but the file is {NAMES[mime_type]}; leave it unset"
            )
        file = read_file(self.document, mime_type, self.options)
        texts = file.texts
        is_page = all(each.mime_type == HTML for each in texts)
        most = self.most_characters * (MOST_MARKS if is_page else 1)
        self._check_size(sum(len(each.text) for each in texts), most, "marks included")
        view = PlainView([read_layout(each.text, each.mime_type) for each in texts])
        self._check_size(len(view.text), self.most_characters, "without marks")
        return OpenFile(mime_type, file, texts, view)

    def _check_size(self, characters: int, most: int, how: str) -> None:
        if characters > most:
            raise RequestTooLarge(
                self.document_field, f"{characters} characters, {how}, the limit is {most}; cut the file into several",
                requested=characters, limit=most,
            )  # fmt: skip
