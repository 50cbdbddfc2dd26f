"""The parts of the problem, one small module each, in the order of columns: who moves power comes before who counts it."""

from optimizer.horizon import Horizon
from optimizer.topic import Topic
from optimizer.topics import batteries, chances, charging, exchange, feeders, likely, peaks, stages, vehicle_to_grid

TOPICS: tuple[Topic, ...] = (
    charging.TOPIC,
    vehicle_to_grid.TOPIC,
    stages.TOPIC,
    chances.TOPIC,
    batteries.TOPIC,
    exchange.TOPIC,
    likely.TOPIC,
    peaks.TOPIC,
    feeders.TOPIC,
)


def topics_of(horizon: Horizon) -> tuple[Topic, ...]:
    """The topics a request has."""
    return tuple(topic for topic in TOPICS if topic.applies(horizon))
