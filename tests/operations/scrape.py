"""Reads a service's metrics as Prometheus does."""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.request import urlopen

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families


def scrape(port: int) -> list[Metric]:
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as response:
        return list(text_string_to_metric_families(response.read().decode()))


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


def wait_until(happened: Callable[[], object], deadline: float = 10) -> None:
    end = time.monotonic() + deadline
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
