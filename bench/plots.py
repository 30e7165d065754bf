"""The plots of bench/scale.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl

from bench.load import Measurement

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Figures = Mapping[str, Sequence[tuple[int, Measurement]]]

MARKERS = ("o", "s", "^", "D", "v")


def by_total(figures: Figures, file: Path) -> None:
    """p50 (solid) and p95 (dashed) of each scenario by the number of tasks in the database."""
    figure, axes = plt.subplots(figsize=(8, 4.8), layout="constrained")
    for (scenario, points), marker in zip(figures.items(), MARKERS, strict=False):
        totals = [total for total, _ in points]
        (line,) = axes.plot(totals, [one.p50_ms for _, one in points], marker=marker, label=f"{scenario} p50")
        axes.plot(
            totals,
            [one.p95_ms for _, one in points],
            marker=marker,
            linestyle="--",
            color=line.get_color(),
            label=f"{scenario} p95",
        )
    axes.set(xscale="log", xlabel="tasks in the database", ylabel="ms", title="What a call costs as the data grows")
    axes.set_ylim(bottom=0)
    _finish(figure, axes, file)


def memory(points: Sequence[tuple[int, int]], file: Path) -> None:
    """Bytes of the larger worker by the number of tasks in the database."""
    figure, axes = plt.subplots(figsize=(8, 3.2), layout="constrained")
    axes.plot([total for total, _ in points], [size / 2**20 for _, size in points], marker=MARKERS[0], label="RSS")
    axes.set(xscale="log", xlabel="tasks in the database", ylabel="MiB", title="Memory of a worker as the data grows")
    axes.set_ylim(0, 1.25 * max(size for _, size in points) / 2**20)
    _finish(figure, axes, file)


def by_length(figures: Figures, file: Path) -> None:
    """p50 of the list by its length, one line for each service."""
    figure, axes = plt.subplots(figsize=(8, 4.8), layout="constrained")
    for (title, points), marker in zip(figures.items(), MARKERS, strict=False):
        axes.plot([length for length, _ in points], [one.p50_ms for _, one in points], marker=marker, label=title)
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="tasks in the list",
        ylabel="p50 in ms, 8 connections",
        title="What a list costs as it gets longer",
    )
    _finish(figure, axes, file)


def _finish(figure: Figure, axes: Axes, file: Path) -> None:
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    figure.savefig(file, dpi=130)
    plt.close(figure)
