"""Reads a service's metrics as Prometheus does."""

from __future__ import annotations

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.support.http import call


def scrape(port: int) -> list[Metric]:
    return list(text_string_to_metric_families(call(port, "GET", "/metrics").text))


def total(port: int, name: str, **labels: str) -> float:
    """The sum of all samples called `name` that have these labels."""
    return sum(
        sample.value
        for metric in scrape(port)
        for sample in metric.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def labels_of(port: int, label: str) -> set[str]:
    """Every value that a label has anywhere."""
    return {s.labels[label] for metric in scrape(port) for s in metric.samples if label in s.labels}
