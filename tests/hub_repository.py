"""A repository of the stand-in of the Hub: commits and checksums come from the contents, as git's and the Hub's do."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

Files = Mapping[str, bytes]


def sha1(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def blob_id(content: bytes) -> str:
    """Git's name of a content."""
    return sha1(b"blob %d\0" % len(content) + content)


def pointer(content: bytes) -> bytes:
    """What git holds instead of a file in large file storage."""
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256(content)}\nsize {len(content)}\n"
    return text.encode()


@dataclass
class Repository:
    """A repository; `revisions` leads from branches, tags and pull requests to commits.

    Attributes:
        card: the metadata of its model card.
        lfs: paths of the files in large file storage.
        gated: whether its files are for accounts that accepted its terms.
        private: whether others are told that it does not exist.
    """

    card: Mapping[str, object]
    lfs: frozenset[str]
    gated: bool
    private: bool
    commits: dict[str, Files] = field(default_factory=dict)
    revisions: dict[str, str] = field(default_factory=dict)

    def commit(self, files: Files, revision: str = "main") -> str:
        """Make a commit of these files, which `revision` leads to from now on; returns its id."""
        parent = self.revisions.get(revision, "")
        tree = sorted((path, self.blob_id(path, content)) for path, content in files.items())
        commit = sha1(json.dumps([parent, tree]).encode())
        self.commits[commit] = dict(files)
        self.revisions[revision] = commit
        return commit

    def find(self, revision: str) -> str | None:
        """The commit that a branch, tag, pull request or commit stands for."""
        return revision if revision in self.commits else self.revisions.get(revision)

    def blob_id(self, path: str, content: bytes) -> str:
        return blob_id(pointer(content) if path in self.lfs else content)

    def describe(self, name: str, commit: str, blobs: bool) -> dict[str, object]:
        """The listing of the Hub's API."""
        siblings = [
            {"rfilename": path} | (self._describe_blob(path, content) if blobs else {})
            for path, content in self.commits[commit].items()
        ]
        listing = {"id": name, "modelId": name, "sha": commit, "gated": "auto" if self.gated else False}
        return listing | {"private": self.private, "cardData": self.card, "siblings": siblings}

    def _describe_blob(self, path: str, content: bytes) -> dict[str, object]:
        described: dict[str, object] = {"blobId": self.blob_id(path, content), "size": len(content)}
        if path in self.lfs:
            size = len(pointer(content))
            described["lfs"] = {"sha256": sha256(content), "size": len(content), "pointerSize": size}
        return described
