"""Metrics for the operator (Prometheus text): how many requests, how long, with what status; about no unit and nobody.

Counts are of this process; with several workers, scrape replicas of one process each instead.
"""

from prometheus_client import CollectorRegistry, Counter, Histogram, Info
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from tillit.wire import PolicyRef

_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """What one application has answered so far."""

    media_type = CONTENT_TYPE_LATEST

    def __init__(self, policy: PolicyRef) -> None:
        self._registry = CollectorRegistry()
        self._seconds = Histogram(
            "tillit_request_seconds",
            "Time from request to answer.",
            ("method", "route", "status"),
            registry=self._registry,
            buckets=_BUCKETS,
        )
        self._sent = Counter(
            "tillit_messages",
            "Messages to people outside the portal, by channel and what became of them.",
            ("channel", "outcome"),
            registry=self._registry,
        )
        self._bundle = Info("tillit_policy", "The bundle that decides.", registry=self._registry)
        self.decides_by(policy)

    def decides_by(self, policy: PolicyRef) -> None:
        """Say which bundle decides now."""
        self._bundle.info({"version": policy.version, "digest": policy.digest})

    def observe(self, *, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer. ``route`` is a template, so that no path and no id becomes a label."""
        self._seconds.labels(method, route, str(status)).observe(seconds)

    def sent(self, channel: str, outcome: str) -> None:
        """Count one message outside the portal."""
        self._sent.labels(channel, outcome).inc()

    def text(self) -> bytes:
        """Everything counted, as Prometheus reads it."""
        return generate_latest(self._registry)
