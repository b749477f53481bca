"""Repositories of models on the Hub (huggingface.co, or what ``HF_ENDPOINT`` names): what they hold, and downloads.

Every file is checked against what the Hub said of it when its revision was resolved. What arrives lies in a
``.part`` file named after the file's checksum, so a later run goes on where an earlier one was cut or killed.
"""

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Self
from urllib.parse import urlsplit

from polygist_service.errors import StoreError
from polygist_service.store.manifest import compute_sha256

# The Hub's own rule for OWNER/NAME.
REPOSITORY = re.compile(r"(?!.*(\.\.|--))\w[\w.-]*/\w[\w.-]*(?<![.-])", re.ASCII)
# The page of a repository, as it is copied from a browser; the host is the Hub's own.
PAGE = re.compile(
    r"(?:https?://)?(?:www\.)?(?P<host>[\w.-]+(?::\d+)?)/(?P<name>[\w.-]+/[\w.-]+?)(?:\.git)?"
    r"(?:/(?:tree|blob|resolve)/(?P<revision>[^/?#]+))?(?:/[^?#]*)?(?:[?#].*)?",
    re.ASCII,
)
HOSTS = ("huggingface.co", "hf.co")
OTHER_PAGES = ("datasets/", "spaces/", "docs/", "papers/", "collections/")
COMMIT = re.compile(r"[0-9a-f]{40}")
SHA256 = re.compile(r"[0-9a-f]{64}")
# Files that an error lists; some repositories have hundreds.
MOST_NAMED = 12


@dataclass(frozen=True)
class HubFile:
    """A file of a repository.

    Attributes:
        path: with ``/``, from the repository's root.
        size: in bytes.
        sha256: of a file in large file storage (LFS), else empty.
        blob_id: git's SHA-1 of a file in git itself, else empty.
    """

    path: str
    size: int
    sha256: str = ""
    blob_id: str = ""

    @property
    def checksum(self) -> str:
        """Whichever of the two there is; empty where the Hub told none."""
        return self.sha256 or self.blob_id

    def is_intact(self, path: Path) -> bool:
        """Whether the file at `path` is this one, byte by byte."""
        if path.stat().st_size != self.size:
            return False
        return (compute_sha256(path) == self.sha256) if self.sha256 else (compute_blob_id(path) == self.blob_id)

    @classmethod
    def from_listing(cls, sibling: Mapping[str, Any]) -> Self:
        """Read a file of a listing; raises ValueError where it is none."""
        path = sibling["rfilename"]
        if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
            raise ValueError(f"path {path!r}")
        sha256 = (sibling.get("lfs") or {}).get("sha256", "")
        blob_id = "" if sha256 else sibling.get("blobId") or ""
        if (sha256 and not SHA256.fullmatch(sha256)) or (blob_id and not COMMIT.fullmatch(blob_id)):
            raise ValueError(f"checksum {sha256 or blob_id!r} of {path!r}")
        return cls(path, int(sibling.get("size") or 0), sha256, blob_id)


@dataclass(frozen=True)
class Snapshot:
    """A repository at one commit.

    Attributes:
        repository: ``OWNER/NAME``.
        revision: the commit, 40 hexadecimal digits.
        license: as its model card says, or empty where it says nothing.
        files: by their paths.
    """

    repository: str
    revision: str
    license: str
    files: Mapping[str, HubFile] = field(repr=False)

    def find(self, path: str) -> HubFile:
        """The file at `path`; raises StoreError where there is none, or none that can be checked."""
        name = f"{self.repository}@{self.revision[:12]}"
        if path not in self.files:
            some = sorted(self.files)[:MOST_NAMED]
            more = f" and {len(self.files) - len(some)} more" if len(self.files) > len(some) else ""
            raise StoreError(f"{name} has no file {path}; it has: {', '.join(some) or 'none'}{more}")
        file = self.files[path]
        if not file.checksum:
            raise StoreError(
                f"nobody told a checksum of {path} in {name}: set HF_ENDPOINT to a Hub or mirror that does"
            )
        return file


def read_page(text: str) -> tuple[str, str] | None:
    """The repository and the revision, or none, that the address of a page of the Hub names.

    None where the text is no such address; raises StoreError for a page of another site or of no model.
    """
    hosts = (*HOSTS, *filter(None, [urlsplit(os.environ.get("HF_ENDPOINT", "")).netloc]))
    found = PAGE.fullmatch(text)
    is_ours = found is not None and found["host"].lower() in hosts
    if "://" not in text and not is_ours:
        return None
    if not (found and is_ours and REPOSITORY.fullmatch(found["name"])) or found["name"].startswith(OTHER_PAGES):
        raise StoreError(f"{text!r} is no page of a model on the Hub; write hub:OWNER/NAME, or path:FOLDER")
    return found["name"], found["revision"] or ""


def resolve(repository: str, revision: str = "main") -> Snapshot:
    """Ask the Hub which commit `revision` is now, and what is in it; one request.

    Args:
        repository: ``OWNER/NAME``.
        revision: a branch, a tag, a commit or ``refs/pr/N``.

    Raises:
        StoreError: no such repository or revision, no access, or no Hub in reach.
    """
    if not REPOSITORY.fullmatch(repository):
        raise StoreError(
            f"{repository!r} is no repository of the Hub: write OWNER/NAME, such as Helsinki-NLP/opus-mt-en-de"
        )
    # Imported late, here and below: its library takes half a second, and only what is on the Hub needs it.
    from polygist_service.store.sources.hub_http import connect, fetch_listing

    with connect():
        snapshot = read_listing(repository, revision, fetch_listing(repository, revision))
    if COMMIT.fullmatch(revision) and snapshot.revision != revision:
        raise StoreError(f"{repository}@{revision} was answered with commit {snapshot.revision}; check HF_ENDPOINT")
    return snapshot


def download(
    snapshot: Snapshot, paths: Iterable[str], folder: Path, *, report: Callable[[str, int, int | None], None]
) -> dict[str, Path]:
    """Fetch files of a snapshot into `folder`, below their own paths, and check each.

    Files that are there and intact are not fetched again, and files that an earlier run began are gone on with.

    Args:
        paths: of the files; nothing else is fetched.
        folder: made where it is missing; keep it when the download fails, for the next try.
        report: told the phase, the bytes that are there and their total.

    Returns:
        The places of the files by their paths.

    Raises:
        StoreError: no such file, no access, no Hub in reach, or a file that arrived with another checksum.
    """
    from polygist_service.store.sources.hub_http import connect

    files = [snapshot.find(path) for path in dict.fromkeys(paths)]
    phase, total, done = f"fetch {snapshot.repository}", sum(file.size for file in files), 0
    report(phase, done, total)
    with connect():
        for file in files:

            def count(size: int, before: int = done) -> None:
                report(phase, before + size, total)

            target = folder / file.path
            if not (target.is_file() and file.is_intact(target)):
                fetch_file(snapshot, file, target, count)
            count(file.size)
            done += file.size
    return {file.path: folder / file.path for file in files}


def compute_blob_id(path: Path) -> str:
    """Git's name of the file's content: SHA-1 over a header and the content."""
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, lambda: digest).hexdigest()


def fetch_file(snapshot: Snapshot, file: HubFile, target: Path, report: Callable[[int], None]) -> None:
    """Fetch one file to `target`, by way of its ``.part`` file."""
    from polygist_service.store.sources.hub_http import append_file

    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.{file.checksum[:12]}.part")
    with part.open("ab") as opened:
        append_file(snapshot.repository, snapshot.revision, file.path, opened, size=file.size, report=report)
    if not file.is_intact(part):
        part.unlink()
        raise StoreError(
            f"{file.path} of {snapshot.repository} arrived with another checksum than {file.checksum} and was removed: "
            "pull again; if that does not help, what HF_ENDPOINT or your proxy serves is not the original"
        )
    part.replace(target)


def read_listing(repository: str, revision: str, listing: Any) -> Snapshot:
    """Read what the Hub answered for a repository; raises StoreError where it is no listing."""
    try:
        commit = listing["sha"]
        if not COMMIT.fullmatch(commit):
            raise ValueError(f"sha {commit!r}")
        files = map(HubFile.from_listing, listing["siblings"])
        # The card's licence: one, several, or `other` with a name of its own.
        card = listing.get("cardData") or {}
        named = card.get("license_name") if card.get("license") == "other" else None
        stated = named or card.get("license") or ""
        license = ", ".join(stated) if isinstance(stated, list) else str(stated)
        return Snapshot(repository, commit, license, {file.path: file for file in files})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreError(
            f"what was answered for {repository}@{revision} is no listing of the Hub ({error!r}); check HF_ENDPOINT"
        ) from error
