"""What is read at the moment of a scrape: the queue, and the states of the models."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from polygist_service.engine.interface import ModelInfo, State
from polygist_service.engine.observer import QueueState


class LiveCollector(Collector):
    """Asks the engine at each scrape, on the thread that answers it.

    Args:
        queue: what waits now.
        models: the installed models and their states.
        resident: bytes that each loaded model takes.
    """

    def __init__(
        self,
        *,
        queue: Callable[[], QueueState],
        models: Callable[[], Sequence[ModelInfo]],
        resident: Callable[[], Mapping[str, int]] = dict,
    ) -> None:
        self._queue = queue
        self._models = models
        self._resident = resident

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The families, as `prometheus_client` wants them."""
        queue = self._queue()
        yield GaugeMetricFamily("polygist_queue_segments", "Segments that wait for a slot.", queue.segments)
        yield GaugeMetricFamily("polygist_queue_requests", "Requests that have a segment waiting.", queue.requests)
        yield GaugeMetricFamily(
            "polygist_queue_oldest_seconds", "How long the oldest segment has waited.", queue.oldest_seconds
        )
        states = GaugeMetricFamily("polygist_model_state", "1 for the state a model is in.", labels=("model", "state"))
        memory = GaugeMetricFamily(
            "polygist_model_resident_bytes", "Memory of a loaded model, estimated.", labels=("model",)
        )
        models, resident = self._models(), self._resident()
        for model in models:
            memory.add_metric((model.name,), float(resident.get(model.name, 0)))
            for state in State:
                states.add_metric((model.name, state.value), float(model.state is state))
        yield states
        yield memory
