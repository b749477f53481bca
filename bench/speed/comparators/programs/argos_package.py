"""Wraps installed models as `.argosmodel` packages and installs them for LibreTranslate.

Its sentences are split by spaCy's rules, which need no data: the models of MiniSBD, its default, are on GitHub only.
"""

import argparse
import json
import tempfile
import zipfile
from pathlib import Path

import spacy

# spaCy's multilingual model is fetched where this file is missing, though a package has its own splitter.
NOT_FETCHED = "spacy/senter/model"
NAMES = {"en": "English", "pt": "Portuguese"}
# What CTranslate2 reads; a model's other files are not the package's.
MODEL_FILES = ("model.bin", "config.json", "shared_vocabulary.json")


def main() -> None:
    """Build and install the packages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, nargs="+", required=True, help="folders named after pairs, as en-pt")
    arguments = parser.parse_args()
    from argostranslate import package, settings

    marker = settings.cache_dir / NOT_FETCHED
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.touch()
    with tempfile.TemporaryDirectory() as folder:
        for model in arguments.models:
            package.install_from_path(wrap(model, Path(folder)))


def wrap(model: Path, folder: Path) -> Path:
    """An `.argosmodel` file of a model, made in `folder`: a zip archive with one folder, which has the pair's name."""
    source, target = model.name.split("-")
    pair = f"{source}_{target}"
    splitter = folder / f"{pair}-spacy"
    spacy.blank(source).to_disk(splitter)
    metadata = {
        "package_version": "1.0", "argos_version": "1.9", "from_code": source, "from_name": NAMES[source],
        "to_code": target, "to_name": NAMES[target],
    }  # fmt: skip
    path = folder / f"{pair}.argosmodel"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{pair}/metadata.json", json.dumps(metadata))
        archive.write(model / "tokenizer.spm", f"{pair}/sentencepiece.model")
        for name in MODEL_FILES:
            archive.write(model / name, f"{pair}/model/{name}")
        for file in filter(Path.is_file, splitter.rglob("*")):
            archive.write(file, f"{pair}/spacy/{file.relative_to(splitter)}")
    return path


if __name__ == "__main__":
    main()
