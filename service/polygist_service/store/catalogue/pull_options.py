"""What the operator says of models that are pulled, beyond their names."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from polygist_service.errors import StoreError
from polygist_service.store.catalogue.catalogue import NAME, NON_COMMERCIAL, Catalogue, CatalogueEntry, Files


@dataclass(frozen=True)
class PullOptions:
    """What goes over what the catalogue and the models' own files say.

    Attributes:
        name: of the installed model; for one model only, as are the next four.
        family: its family.
        role: what it is for.
        sources, targets: the languages that it reads and writes, BCP-47.
        compute_type: what published weights are converted to.
        accepted: licences that are accepted by name.
        again: pull also what is installed already, as a branch of the Hub may have moved.
    """

    name: str = ""
    family: str = ""
    role: str = ""
    sources: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    compute_type: str = ""
    accepted: frozenset[str] = frozenset()
    again: bool = False

    def apply(self, entries: Sequence[CatalogueEntry], catalogue: Catalogue) -> tuple[CatalogueEntry, ...]:
        """The entries with these options; raises StoreError where one does not fit them."""
        settings = {"role": self.role, "source_languages": self.sources, "target_languages": self.targets}
        settings = {key: value for key, value in settings.items() if value}
        if not (self.name or self.family or self.compute_type or settings):
            return tuple(entries)
        if len(entries) != 1:
            raise StoreError(
                "--name, --family, --role, --from, --to and --compute-type are for one model; pull it alone"
            )
        (entry,) = entries
        if isinstance(entry.origin, Files):
            raise StoreError(f"{entry.name} is described in full by the catalogue; pull it without flags about it")
        if self.name and not NAME.fullmatch(self.name):
            raise StoreError(f"{self.name!r} is no name of a model; use lower-case letters, digits and . _ -")
        changed = replace(
            entry,
            name=self.name or entry.name,
            family=catalogue.family(self.family) if self.family else entry.family,
            settings={**entry.settings, **settings},
            compute_type=self.compute_type or entry.compute_type,
        )
        return (changed,)


NO_OPTIONS = PullOptions()


def expect_accepted(model: str, license: str, accepted: Collection[str]) -> None:
    """Raise StoreError for a licence that forbids commercial use and is not among those `accepted` by name."""
    if NON_COMMERCIAL.search(license) and license.lower() not in {each.lower() for each in accepted}:
        raise StoreError(
            f"{model} is under {license}, which forbids commercial use; if you may use it so, pull it again with "
            f"--accept-license {license}"
        )
