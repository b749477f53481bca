"""Addresses of pages, mail, machines and files inside sentences."""

from polygist_client import Client

from bench.fidelity.expectations import judge_all, read_expectations
from bench.fidelity.kinds import Kind
from bench.quality.sets import DataFolder


def measure(client: Client, data: DataFolder | None) -> Kind:
    """Translate the sentences in both directions: addresses letter for letter, the words around them translated."""
    return Kind("Addresses in sentences", judge_all(client, read_expectations("addresses")), target=1)
