"""What is asked of Ray: how many replicas there are, how many calls each gets, and Serve's configuration of it."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from polygist_service.ray.application import Fleet, QueuedCostPolicy, build
from polygist_service.ray.deployment import QUEUED_COST, Polygist
from polygist_service.ray.relaying import METHODS
from pydantic import ValidationError
from ray.serve.schema import ServeDeploySchema

CONFIGURATION = Path(__file__).parents[3] / "deploy" / "ray" / "serve.yaml"


def decide(waiting, *, target_seconds=2.0, now=3):
    """What the policy decides on where so much waits at each replica, and `now` are wanted."""
    metrics = {QUEUED_COST: {f"replica {at}": seconds for at, seconds in enumerate(waiting)}}
    context = SimpleNamespace(aggregated_metrics=metrics, target_num_replicas=now)
    return QueuedCostPolicy(target_seconds)(context)[0]


@given(st.lists(st.floats(0, 1e4), min_size=1, max_size=50), st.floats(0.1, 100))
def test_there_are_as_many_replicas_as_the_work_that_waits_needs(waiting, target_seconds):
    decided = decide(waiting, target_seconds=target_seconds)
    assert (decided - 1) * target_seconds <= sum(waiting) * (1 + 1e-9)
    assert decided * target_seconds >= sum(waiting) * (1 - 1e-9)


def test_the_number_stays_before_anything_was_measured():
    assert decide([], now=5) == 5
    assert QueuedCostPolicy(2.0)(SimpleNamespace(aggregated_metrics=None, target_num_replicas=4)) == (4, {})


def test_a_replica_is_sent_as_many_short_calls_as_may_wait_there():
    settings = {"limits": {"queue_seconds": 10}}
    assert Fleet(cpus=2, settings=settings).most_calls() == 2 * 10 * 50
    assert Fleet(cpus=0.5, settings=settings).server_settings()["slots"] == 1


@pytest.mark.parametrize("wrong", [{"cpu": 4}, {"settings": {"slot": 3}}, {"cpus": 0}])
def test_what_is_no_setting_is_refused(wrong):
    with pytest.raises(ValidationError):
        build(Fleet(**wrong))


def test_the_configuration_is_one_of_serve_and_its_arguments_are_ours():
    schema = ServeDeploySchema.model_validate(yaml.safe_load(CONFIGURATION.read_text()))
    (application,) = schema.applications
    fleet = Fleet(**application.args)
    assert application.import_path == f"{build.__module__}:{build.__name__}"
    assert build(fleet)._bound_deployment.name == "polygist"
    assert schema.grpc_options.grpc_servicer_functions == ["polygist_service.ray.proxy.add_services"]


def test_a_replica_has_each_method_of_the_contract():
    assert all(callable(getattr(Polygist, name)) for name in METHODS)
