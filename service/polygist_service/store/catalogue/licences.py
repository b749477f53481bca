"""Licences that forbid commercial use, and whether they were accepted."""

import re
from collections.abc import Collection

from polygist_service.errors import StoreError

# As SPDX, and the Hub's cards, mark them: CC-BY-NC-4.0, CC-BY-NC-SA-4.0.
NON_COMMERCIAL = re.compile(r"(?:^|[-_. ])nc(?:$|[-_. ])", re.IGNORECASE)


def forbids_commercial_use(license: str) -> bool:
    """Whether the name of a licence says so."""
    return NON_COMMERCIAL.search(license) is not None


def expect_accepted(model: str, license: str, accepted: Collection[str]) -> None:
    """Raise StoreError for a licence that forbids commercial use and is not among those `accepted` by name."""
    if forbids_commercial_use(license) and license.lower() not in {each.lower() for each in accepted}:
        raise StoreError(
            f"{model} is under {license}, which forbids commercial use; if you may use it so, pull it again with "
            f"--accept-license {license}"
        )
