"""Write the bill of materials of an installation as CycloneDX: its packages, and the models beside them.

Usage: sbom.py PYTHON [MODELS], where PYTHON is that of the installation, and MODELS the folder of its models. Needs the
package cyclonedx-bom, outside of the installation. Two runs over the same installation write the same bytes.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[1] / "pyproject.toml"
ASK_VERSION = "import importlib.metadata; print(importlib.metadata.version('polygist'))"


def describe_packages(python: str) -> dict[str, Any]:
    """The document of what PYTHON has installed, with polygist itself as what it is about."""
    command = [sys.executable, "-m", "cyclonedx_py", "environment", "--output-reproducible", "--no-validate"]
    written = subprocess.check_output([*command, "--pyproject", str(PROJECT), python], stderr=subprocess.DEVNULL)
    document: dict[str, Any] = json.loads(written)
    version = subprocess.check_output([python, "-I", "-c", ASK_VERSION], text=True).strip()
    document["metadata"]["component"] |= {"version": version, "purl": f"pkg:pypi/polygist@{version}"}
    return document


def describe_models(folder: Path) -> Iterator[dict[str, Any]]:
    """The component of each model in a folder, by the manifests that it was installed with."""
    for path in sorted(folder.glob("[!.]*/manifest.json")):
        manifest = json.loads(path.read_text(encoding="utf-8"))
        yield {
            "type": "machine-learning-model",
            "bom-ref": f"models/{manifest['name']}",
            "name": manifest["name"],
            "description": manifest["description"]["display_name"],
            "version": manifest["revision"],
            "licenses": [{"expression": manifest["description"]["license"]}],
            "properties": [
                {"name": f"polygist:source:{key}", "value": str(value)} for key, value in manifest["source"].items()
            ],
            "components": [
                {"type": "file", "name": name, "hashes": [{"alg": "SHA-256", "content": record["sha256"]}]}
                for name, record in manifest["files"].items()
            ],
        }


def main(python: str, *folders: str) -> None:
    """Write the document to standard output."""
    document = describe_packages(python)
    for folder in folders:
        document["components"] += describe_models(Path(folder))
    print(json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False))


if __name__ == "__main__":
    main(*sys.argv[1:])
