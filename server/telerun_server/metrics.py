"""What Prometheus can ask. A registry of our own: nothing of the process leaks in, and tests may run many servers."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

LATENCIES_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 30, 120, 600, 3600)


class Metrics:
    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        self.jobs = Gauge("telerun_jobs", "Jobs by state", ["state"], registry=registry)
        self.finished = Counter("telerun_jobs_finished", "Jobs that ended", ["state"], registry=registry)
        self.claim_latency = Histogram(
            "telerun_claim_latency_seconds", "From queued to claimed", registry=registry, buckets=LATENCIES_S
        )
        self.requests = Counter("telerun_http_requests", "Answers, by class of status", ["status"], registry=registry)
        self.waiting = Gauge("telerun_waiting_requests", "Long polls and followers", ["kind"], registry=registry)
        self.log_bytes = Counter("telerun_log_bytes", "Bytes of log frames received", registry=registry)
        self.blob_bytes = Counter("telerun_blob_bytes", "Bytes of blobs received", registry=registry)
        self.sent_bytes = Counter("telerun_sent_bytes", "Bytes of logs and blobs sent", registry=registry)
        self._by_class = [self.requests.labels(f"{digit}xx") for digit in range(10)]

    def answered(self, status: int) -> None:
        self._by_class[status // 100].inc()

    def text(self) -> bytes:
        return generate_latest(self._registry)
