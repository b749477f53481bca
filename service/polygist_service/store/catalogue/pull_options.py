"""What the operator says of models that are pulled, beyond their names."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from polygist_service.errors import StoreError
from polygist_service.store.catalogue.catalogue import NAME, Catalogue, CatalogueEntry, Files


@dataclass(frozen=True)
class Wishes:
    """Goes over what the catalogue and the models' own files say.

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
        """The entries as they are wished for; raises StoreError where a wish does not fit them."""
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
        wished = replace(
            entry,
            name=self.name or entry.name,
            family=catalogue.family(self.family) if self.family else entry.family,
            settings={**entry.settings, **settings},
            compute_type=self.compute_type or entry.compute_type,
        )
        return (wished,)


NOTHING = Wishes()
