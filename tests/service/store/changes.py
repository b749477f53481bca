"""What several tests of the store do to it."""

import dataclasses

from polygist_service.store.convert import CONVERTERS


def use_converter(monkeypatch, **changes):
    """Change the converter of the model ``tiny``."""
    monkeypatch.setitem(CONVERTERS, "bergamot", dataclasses.replace(CONVERTERS["bergamot"], **changes))


def builds(store):
    """All builds in the store, seen or not."""
    return list((store.home / "models" / ".builds").iterdir())
