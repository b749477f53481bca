"""The application of Ray Serve: ``polygist_service.ray.application:build``, and when it has more replicas."""

from math import ceil
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt
from ray import serve
from ray.serve.config import AutoscalingConfig, AutoscalingContext, AutoscalingPolicy

from polygist_service.ray.deployment import ENVIRONMENT, QUEUED_COST, Polygist
from polygist_service.settings import Settings

# Calls of one short sentence that a slot answers in a second, at most.
SHORT_CALLS_PER_SECOND = 50
HEALTH_PERIOD_SECONDS, HEALTH_TIMEOUT_SECONDS = 5.0, 10.0
POLICY = "polygist_service.ray.application.QueuedCostPolicy"


class Fleet(BaseModel):
    """How many replicas there are, and how each is served; what ``args`` of a Serve configuration may say.

    Attributes:
        cpus: cores of each replica: as many batches run at the same time, and Ray keeps as many for it.
        min_replicas, max_replicas: how few and how many there may be.
        queued_cost_seconds: work that may wait at each; where more does, there are more replicas.
        upscale_delay_seconds, downscale_delay_seconds: how long that has to last.
        look_back_seconds: over how long what waits is averaged.
        grace_seconds: that calls in flight get to finish at a replica that is replaced.
        surge_percent: how many replicas there may be beyond their number while they are replaced.
        settings: of the server, such as ``{"home": "/models", "preload": "all"}``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    cpus: PositiveFloat = 4
    min_replicas: PositiveInt = 1
    max_replicas: PositiveInt = 8
    queued_cost_seconds: PositiveFloat = 2.0
    upscale_delay_seconds: float = Field(10.0, ge=0)
    downscale_delay_seconds: float = Field(300.0, ge=0)
    look_back_seconds: PositiveFloat = 15.0
    grace_seconds: float = Field(60.0, ge=0)
    surge_percent: int = Field(0, ge=0, le=100)
    settings: dict[str, Any] = Field(default_factory=dict)

    def server_settings(self) -> dict[str, Any]:
        """Return what each replica is given."""
        return {"slots": max(1, int(self.cpus)), **self.settings}

    def most_calls(self) -> int:
        """Return how many calls a replica is sent at the same time.

        It is the replica that refuses calls, by what they cost and with the time to come back, and that serves callers
        in turn; a call that waits at a proxy is in no turn. So it is sent as many as may wait there if all are short.
        """
        settings = Settings(**self.server_settings())
        return settings.slots * settings.limits.queue_seconds * SHORT_CALLS_PER_SECOND


class QueuedCostPolicy:
    """Decides on the number of replicas, so that at each as much work waits as is wanted.

    Args:
        target_seconds: the work at each.
    """

    def __init__(self, target_seconds: float) -> None:
        self._target_seconds = target_seconds

    def __call__(self, context: AutoscalingContext) -> tuple[int, dict[str, Any]]:
        """Return the number; bounds and delays are applied by Ray. Before anything was measured it stays."""
        waiting = (context.aggregated_metrics or {}).get(QUEUED_COST)
        if not waiting:
            return context.target_num_replicas, {}
        return ceil(sum(waiting.values()) / self._target_seconds), {}


def build(fleet: Fleet) -> serve.Application:
    """Return the application; raises ValidationError where a setting is wrong."""
    most_calls = fleet.most_calls()
    policy = AutoscalingPolicy(policy_function=POLICY, policy_kwargs={"target_seconds": fleet.queued_cost_seconds})
    deployment = serve.deployment(
        Polygist,
        name="polygist",
        max_ongoing_requests=most_calls,
        max_queued_requests=most_calls,
        autoscaling_config=AutoscalingConfig(
            min_replicas=fleet.min_replicas,
            max_replicas=fleet.max_replicas,
            upscale_delay_s=fleet.upscale_delay_seconds,
            downscale_delay_s=fleet.downscale_delay_seconds,
            look_back_period_s=fleet.look_back_seconds,
            policy=policy,
        ),
        graceful_shutdown_timeout_s=fleet.grace_seconds,
        max_surge_percent=fleet.surge_percent,
        health_check_period_s=HEALTH_PERIOD_SECONDS,
        health_check_timeout_s=HEALTH_TIMEOUT_SECONDS,
        ray_actor_options={"num_cpus": fleet.cpus, "runtime_env": {"env_vars": dict(ENVIRONMENT)}},
    )
    return deployment.bind(fleet.server_settings())
