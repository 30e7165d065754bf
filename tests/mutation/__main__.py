"""python -m tests.mutation [--sample N] [--seed S] [--session FILE] [PATTERN ...]

Tries the mutants of the modules that fit a pattern such as `api/jose/*`; without one, of all that need no database.
`--sample` tries that many of the modules that remain, or of those that fit, chosen by the seed. A run that was ended
goes on where its session file is named again. It works on a copy, and prints each mutant that survives, and a table.
"""

from __future__ import annotations

import argparse
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

from cosmic_ray.commands import init
from cosmic_ray.mutating import mutate_and_test
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import WorkerOutcome, WorkItem, WorkResult

from api.postgres.embedded import start_embedded, stop_embedded
from tests.mutation.selection import NO_DATABASE, annotations_of, is_tried, modules, tests_of

PROJECT = Path(__file__).resolve().parents[2]
PYTEST = (sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("patterns", nargs="*", metavar="PATTERN")
    parser.add_argument("--sample", type=int)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--session", type=Path, default=Path(tempfile.gettempdir()) / "tasks-mutants.sqlite")
    arguments = parser.parse_args()
    session = arguments.session.resolve()
    # So that PostgreSQL and the copy go, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    # Not in a directory that PostgreSQL's account may not enter.
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        Path(name).chmod(0o711)
        copy = copy_project(Path(name) / "project")
        os.chdir(copy)
        os.environ["TEST_DATABASE_URL"] = start_embedded(Path(name) / "data")
        try:
            with use_db(str(session), WorkDB.Mode.create) as database:
                if not database.num_work_items:
                    choose(database, tuple(arguments.patterns), arguments.sample, arguments.seed)
                try_all(database)
                report(database)
        finally:
            stop_embedded(Path(name) / "data")
    return 0


def copy_project(target: Path) -> Path:
    """The files that belong to the project, as they are now."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    for path in map(Path, listed.stdout.splitlines()):
        if (PROJECT / path).is_file():
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / path, target / path)
    return target


def choose(database: WorkDB, patterns: tuple[str, ...], sample: int | None, seed: int) -> None:
    """Fill the session with the mutants to try; the others are marked as skipped."""
    chosen = set(modules(patterns or NO_DATABASE))
    if sample is not None and not patterns:
        chosen = set(modules(("api/*",))) - chosen
    init(sorted(chosen), database, {})
    annotations = {module: annotations_of(module) for module in chosen}
    skipped: list[WorkItem] = []
    kept: list[WorkItem] = []
    for item in database.work_items:
        [mutation] = item.mutations
        tried = is_tried(mutation.operator_name, mutation.start_pos, annotations[mutation.module_path])
        (kept if tried else skipped).append(item)
    if sample is not None:
        kept.sort(key=position)
        random.Random(seed).shuffle(kept)
        skipped += kept[sample:]
    result = WorkResult(worker_outcome=WorkerOutcome.SKIPPED)
    database.set_multiple_results([item.job_id for item in skipped], result)


def position(item: WorkItem) -> tuple[str, str, int]:
    """A key that is the same in each run, as a job's id is not."""
    [mutation] = item.mutations
    return str(mutation.module_path), mutation.operator_name, mutation.occurrence


def try_all(database: WorkDB) -> None:
    """Try what has no result yet, module by module."""
    by_module: dict[Path, list[WorkItem]] = defaultdict(list)
    for item in database.pending_work_items:
        by_module[item.mutations[0].module_path].append(item)
    for module, items in sorted(by_module.items()):
        command = [*PYTEST, *tests_of(module)]
        began = time.monotonic()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        took = time.monotonic() - began
        print(f"{module}: {len(items)} mutants, {took:.1f} s for the tests as they are", flush=True)
        for item in items:
            result = mutate_and_test(item.mutations, shlex.join(command), timeout=20 + 3 * took)
            database.set_result(item.job_id, result)
            if not result.is_killed:
                print(result.diff, flush=True)
        print(f"{module}: {(time.monotonic() - began) / len(items):.1f} s a mutant", flush=True)


def report(database: WorkDB) -> None:
    """Print a table of what was tried."""
    counts: dict[Path, Counter[bool]] = defaultdict(Counter)
    for item, result in database.completed_work_items:
        if result.worker_outcome is not WorkerOutcome.SKIPPED:
            counts[item.mutations[0].module_path][result.is_killed] += 1
    print("| module | mutants | killed | survived |\n| --- | ---: | ---: | ---: |")
    for module, of_module in sorted(counts.items()):
        print(f"| {module} | {of_module.total()} | {of_module[True]} | {of_module[False]} |")
    total = sum(counts.values(), Counter[bool]())
    print(f"| all | {total.total()} | {total[True]} | {total[False]} |")


if __name__ == "__main__":
    sys.exit(main())
