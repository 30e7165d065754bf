"""deploy/grafana/tasks-backend.json: every query has values once a service has been under load; the file's own rules.

The Prometheus is real and reads deploy/prometheus.yaml. Grafana is not run.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from urllib.parse import quote

import psycopg2
import pytest
import yaml

from tests.operations.scrape import scrape
from tests.support.jwks_server import serving
from tests.support.ports import free_port
from tests.support.processes import PROJECT, Service, WebServer, running
from tests.support.programs import find_program
from tests.support.signing import SECRET, make_signer, token_for
from tests.support.waiting import wait_until

DEPLOY = PROJECT / "deploy"
DASHBOARD = json.loads((DEPLOY / "grafana" / "tasks-backend.json").read_text(encoding="utf-8"))
PANELS = DASHBOARD["panels"]
QUERIES = [(panel["title"], target["expr"]) for panel in PANELS for target in panel.get("targets", ())]


class TestFile:
    def test_it_answers_in_order(self) -> None:
        assert [panel["title"] for panel in PANELS if panel["type"] == "row"] == [
            "1. Is it up, and for whom?",
            "2. How slow?",
            "3. Why?",
            "4. What next?",
        ]

    def test_no_two_panels_have_the_same_id_or_overlap(self) -> None:
        assert len({panel["id"] for panel in PANELS}) == len(PANELS)
        cells = [
            (x, y)
            for place in (panel["gridPos"] for panel in PANELS)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        ]
        assert len(set(cells)) == len(cells)
        assert max(x for x, _ in cells) == 23

    def test_every_panel_says_what_it_shows_and_in_which_unit(self) -> None:
        for panel in PANELS:
            if panel["type"] == "row":
                continue
            assert panel["title"]
            assert panel["description"].endswith(".")
            if panel["type"] == "text":
                continue
            assert panel["fieldConfig"]["defaults"]["unit"]
            references = [target["refId"] for target in panel["targets"]]
            assert references
            assert len(set(references)) == len(references)
            for part in (panel, *panel["targets"]):
                assert part["datasource"] == {"type": "prometheus", "uid": "${datasource}"}

    def test_its_variables_are_the_data_source_and_the_documents_url(self) -> None:
        variables = {variable["name"]: variable["type"] for variable in DASHBOARD["templating"]["list"]}
        assert variables == {"datasource": "datasource", "operating": "textbox"}
        used = set(re.findall(r"\$\{?(\w+)", json.dumps(DASHBOARD)))
        assert used == {"datasource", "operating", "__rate_interval"}

    def test_its_links_lead_to_sections_of_the_document(self) -> None:
        document = (PROJECT / "docs" / "operating.md").read_text(encoding="utf-8")
        headings = re.findall(r"^#+ (.+)$", document, re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
        [text] = [panel["options"]["content"] for panel in PANELS if panel["type"] == "text"]
        links = re.findall(r"\]\(\$\{operating\}#([^)]+)\)", text)
        assert len(links) >= 6
        assert set(links) <= anchors

    def test_compose_provides_what_the_data_source_and_the_provider_name(self) -> None:
        grafana = yaml.safe_load((PROJECT / "compose.yaml").read_text(encoding="utf-8"))["services"]["grafana"]
        [source] = yaml.safe_load((DEPLOY / "grafana" / "datasource.yaml").read_text(encoding="utf-8"))["datasources"]
        assert source["url"].removeprefix("$") in grafana["environment"]
        assert source["type"] == "prometheus"
        [provider] = yaml.safe_load((DEPLOY / "grafana" / "dashboards.yaml").read_text(encoding="utf-8"))["providers"]
        home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
        assert home == f"{provider['options']['path']}/tasks-backend.json"
        assert f"./deploy/grafana/tasks-backend.json:{home}:ro" in grafana["volumes"]


ZERO = ("tasks_database_waiting", "tasks_log_lines_dropped_total", "tasks_upgrade_rows")
"""What stays 0 in a service that is well."""


@pytest.fixture
def metrics_port() -> int:
    return free_port()


@pytest.fixture
def service(tmp_path: Path, database_url: str, metrics_port: int) -> Iterator[Service]:
    """A service with a low rate limit, a short deadline of statements, and a JWKS_URL."""
    with serving(make_signer("EdDSA")) as keys:
        environ = {
            "DATABASE_URL": database_url,
            "JWKS_URL": keys.url,
            "BETTER_AUTH_SECRET": SECRET,
            "METRICS_PORT": str(metrics_port),
            "RATE_LIMIT": "10/minute",
            "STATEMENT_TIMEOUT": "0.5",
            "WORKERS": "1",
        }
        with running(tmp_path / "service.log", **environ) as service:
            yield service


@pytest.fixture
def prometheus(tmp_path: Path, metrics_port: int) -> Iterator[WebServer]:
    """A Prometheus with deploy/prometheus.yaml and its rules, which asks the service every second."""
    text = (DEPLOY / "prometheus.yaml").read_text(encoding="utf-8")
    changed = text.replace("_interval: 15s", "_interval: 1s").replace("127.0.0.1:9464", f"127.0.0.1:{metrics_port}")
    assert changed.count("1s") == 2
    (tmp_path / "prometheus.yaml").write_text(changed, encoding="utf-8")
    (tmp_path / "alerts.yaml").symlink_to(DEPLOY / "alerts.yaml")
    port = free_port()
    command = [
        find_program("prometheus"),
        f"--config.file={tmp_path}/prometheus.yaml",
        f"--storage.tsdb.path={tmp_path}/metrics",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    server = WebServer(command, tmp_path / "prometheus.log", port=port)
    server.wait_until_ready(path="/-/ready")
    yield server
    server.stop()


def send_load(service: Service, database_url: str, turn: int) -> set[int]:
    """Requests of every kind; the statuses of their responses."""
    sent = [
        service.call("POST", "/api/tasks", {"title": "a"}, token=token_for(f"user-{turn}")),
        service.call("GET", "/api/tasks/0", token=token_for(f"user-{turn}")),
        service.call("GET", "/api/tasks"),
        service.call("GET", "/ready"),
        *(service.call("GET", "/api/tasks", token=token_for("busy")) for _ in range(12)),
    ]
    with contextlib.closing(psycopg2.connect(database_url)) as blocker, blocker.cursor() as cursor:
        cursor.execute("LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE")
        sent += [service.call("GET", "/api/tasks", token=token_for(f"blocked-{turn}")) for _ in range(2)]
    return {response.status for response in sent}


def values_of(prometheus: WebServer, query: str) -> list[float]:
    """The values of a query's series now."""
    response = prometheus.call("GET", f"/api/v1/query?query={quote(query.replace('$__rate_interval', '30s'))}")
    assert response.status == 200, (query, response.text)
    return [float(series["value"][1]) for series in response.json["data"]["result"]]


def test_every_query_has_values_under_load(
    service: Service, prometheus: WebServer, metrics_port: int, database_url: str
) -> None:
    missing = {query for _, query in QUERIES}
    assert len(missing) > 20
    turns = count()
    seen: set[int] = set()

    def all_have_values() -> bool:
        seen.update(send_load(service, database_url, next(turns)))
        for query in sorted(missing):
            values = values_of(prometheus, query)
            if any(value > 0 for value in values) or (values and any(name in query for name in ZERO)):
                missing.discard(query)
        return not missing

    try:
        wait_until(all_have_values, timeout=240)
    finally:
        assert missing == set()
    assert {200, 201, 401, 404, 429, 503} <= seen
    exported = {sample.name for metric in scrape(metrics_port) for sample in metric.samples}
    named = {name for _, query in QUERIES for name in re.findall(r"\b(tasks_\w+)", query)}
    assert named <= exported
    # No metric is missing on it.
    families = {re.sub(r"_(bucket|sum|count|created)$", "", name) for name in exported}
    assert families - {re.sub(r"_bucket$", "", name) for name in named} == set()
