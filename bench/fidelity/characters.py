"""Letters and signs that the starter models' vocabularies lack."""

from polygist_client import Client

from bench.fidelity.expectations import judge_all, read_expectations
from bench.fidelity.kinds import Kind, Requirement
from bench.quality.sets import DataFolder

TARGET = 0.95


def measure(client: Client, data: DataFolder | None) -> Kind:
    """Translate the sentences in both directions, each of them in a request with all others."""
    cases = judge_all(client, read_expectations("characters"))
    names = [case for case in cases if case.group.startswith("names")]
    right = sum(not case.fault for case in names) / len(names)
    named = Requirement(f"{100 * right:.1f} % of the names right, at least {100 * TARGET:g}", right >= TARGET)
    return Kind("Letters and signs that the vocabulary lacks", cases, TARGET, further=(named,))
