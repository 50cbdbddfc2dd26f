"""The parts of the problem, one small module each, in the order of columns: who moves power comes before who counts it."""

from optimizer.model.topic import Topic
from optimizer.model.topics import (
    batteries,
    carbon,
    chances,
    charging,
    conduct,
    exchange,
    exports,
    fairness,
    feeders,
    held,
    likely,
    peaks,
    revenue,
    stages,
    steadiness,
    subscriptions,
    switching,
    utility,
    vehicle_to_grid,
)
from optimizer.problem.horizon import Horizon

TOPICS: tuple[Topic, ...] = (
    charging.TOPIC,
    conduct.TOPIC,
    fairness.TOPIC,
    vehicle_to_grid.TOPIC,
    stages.TOPIC,
    chances.TOPIC,
    held.TOPIC,
    switching.TOPIC,
    steadiness.TOPIC,
    batteries.TOPIC,
    revenue.TOPIC,
    exchange.TOPIC,
    carbon.TOPIC,
    subscriptions.TOPIC,
    utility.TOPIC,
    likely.TOPIC,
    peaks.TOPIC,
    feeders.TOPIC,
    exports.TOPIC,
)


def topics_of(horizon: Horizon) -> tuple[Topic, ...]:
    """The topics a request has."""
    return tuple(topic for topic in TOPICS if topic.applies(horizon))
