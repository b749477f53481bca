"""Ask OSV whether anything is known against what the image installs.

Exits with 0 where every package of the lists was looked up and nothing is known, with 1 where something is, with 2
where they could not all be looked up: a machine without network learns nothing, and is told so in a line.
"""

import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

MOST_CHARACTERS = 200
LOCKS = ("requirements.lock", "build.lock")


def look_up(locks: Sequence[Path]) -> list[dict[str, Any]]:
    """Every package of some lists, with its vulnerabilities; raises RuntimeError where they cannot be looked up."""
    command = [sys.executable, "-m", "pip_audit", "--vulnerability-service", "osv", "--format", "json"]
    command += ["--progress-spinner", "off", "--require-hashes", "--disable-pip", "--timeout", "30"]
    for lock in locks:
        command += ["--requirement", str(lock)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        raise RuntimeError(shorten(done.stderr) or "pip-audit said nothing") from None
    if skipped := [f"{each['name']} ({each['skip_reason']})" for each in packages if "skip_reason" in each]:
        raise RuntimeError(f"not looked up: {', '.join(skipped)}")
    return packages


def shorten(said: str) -> str:
    """The last line that was said, up to the last whole word that fits."""
    last = (said.strip().splitlines() or [""])[-1]
    return textwrap.shorten(last, MOST_CHARACTERS, placeholder=" …")


def describe(package: dict[str, Any]) -> Iterator[str]:
    """A line for each vulnerability of a package."""
    for found in package["vulns"]:
        cure = ", ".join(found["fix_versions"]) or "no version yet"
        yield f"{package['name']} {package['version']}: {found['id']}, mended in {cure}"


def main() -> int:
    """Print what is known; returns the exit code."""
    try:
        packages = look_up([Path(__file__).with_name(lock) for lock in LOCKS])
    except RuntimeError as error:
        print(f"no audit: the packages could not be looked up at OSV ({error})", file=sys.stderr)
        return 2
    known = [line for package in packages for line in describe(package)]
    print(*known, f"{len(packages)} packages looked up, {len(known)} vulnerabilities known", sep="\n")
    return 1 if known else 0


if __name__ == "__main__":
    sys.exit(main())
