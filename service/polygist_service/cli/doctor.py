"""``polygist-server doctor``: whether a server would do its work here."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from polygist_service.app.native import set_environment
from polygist_service.cli.flags import HEADINGS, HeadedHelp, add_settings, config_option, read_settings

if TYPE_CHECKING:
    from polygist_service.app.doctor.findings import Finding

EXAMPLES = (
    "polygist-server doctor",
    "polygist-server doctor --config polygist.toml --json",
    "polygist-server doctor >doctor.txt || cat doctor.txt",
)
# As many characters as the longest state and the longest name have, and a blank.
STATE_WIDTH, NAME_WIDTH = 9, 16


@click.command(cls=HeadedHelp, headings=HEADINGS, examples=EXAMPLES)
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@add_settings
def doctor(config: Path | None, as_json: bool, **flags: Any) -> int:
    """Find out whether serve would do its work here.

    With the settings that serve would have: cores, memory, libraries, models and
    their files, addresses, and how long a translation and a summary take. It
    changes nothing, and a server may run meanwhile. Exit code 1 says that
    something is wrong; a warning alone does not.
    """
    settings = read_settings(config, flags)
    # CTranslate2 is to tell what it calculates with, which is read and not printed.
    os.environ.setdefault("CT2_VERBOSE", "1")
    set_environment(os.environ)
    # Imported here, so that help does not wait for it.
    from polygist_service.app.doctor.doctor import Doctor
    from polygist_service.app.doctor.findings import State

    findings: list[Finding] = []
    for finding in Doctor(settings).examine():
        findings.append(finding)
        if not as_json:
            click.echo(write_finding(finding))
    counts = Counter(finding.state for finding in findings)
    if as_json:
        told = [{"state": each.state, "name": each.name, "text": each.text, **each.figures} for each in findings]
        click.echo(json.dumps({"isWell": not counts[State.FAULT], "findings": told}, ensure_ascii=False, indent=2))
    else:
        click.echo(write_verdict(counts[State.FAULT], counts[State.WARNING]))
    return 1 if counts[State.FAULT] else 0


def write_finding(finding: Finding) -> str:
    """A finding in one line for people; what is well stands back."""
    state = "" if finding.state == "ok" else finding.state.upper()
    return f"{state:{STATE_WIDTH}}{finding.name:{NAME_WIDTH}}{' '.join(finding.text.split())}"


def write_verdict(faults: int, warnings: int) -> str:
    """What all findings come to."""
    told = [f"{count} {word}{'s' if count > 1 else ''}" for count, word in ((faults, "fault"), (warnings, "warning"))]
    found = " and ".join(text for text, count in zip(told, (faults, warnings), strict=True) if count)
    return f"=> {found}: see above" if found else "=> all is well"
