"""What the figures were measured with: without it they cannot be compared."""

import os
import platform
import subprocess
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from polygist_client import Client

from bench.quality.translation import signatures

REPOSITORY = Path(__file__).parents[2]
LIBRARIES = ("ctranslate2", "sentencepiece", "tokenizers", "icu4py", "py3langid", "numpy", "sacrebleu", "rouge-score")


def describe(client: Client, began: datetime, seconds: float) -> dict[str, str]:
    """Name and value of everything that a figure may depend on."""
    models = {model.name.removeprefix("models/"): model.revision[:12] for model in client.list_models()}
    return {
        "date": began.isoformat(timespec="seconds"),
        "took": f"{seconds:.0f} s",
        "polygist": client.server_info().version,
        "commit": read_commit(REPOSITORY),
        "models": ", ".join(f"{name} {revision}" for name, revision in models.items()),
        "processor": f"{_processor()}, {len(os.sched_getaffinity(0))} cores usable",
        "load, last 15, 5 and 1 minutes": " ".join(f"{load:.1f}" for load in os.getloadavg()[::-1]),
        "system": f"{platform.platform()}, Python {platform.python_version()}",
        "libraries": ", ".join(f"{name} {version(name)}" for name in LIBRARIES),
        **signatures(),
        "ROUGE": f"rouge-score {version('rouge-score')}, F, use_stemmer=True, default tokeniser",
    }


def read_commit(checkout: Path) -> str:
    """The commit of a checkout, and whether files have changed since."""
    command = ["git", "-C", str(checkout), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown: not a git checkout"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
