"""deploy/, Dockerfile and compose.yaml: linted, compared with the code, and run where no container is needed."""

from __future__ import annotations

import configparser
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.metrics import BUCKETS
from api.settings import SETTINGS
from tests.support.ports import free_port
from tests.support.processes import PROJECT, Program
from tests.support.programs import find_program
from tests.support.signing import SECRET

DEPLOY = PROJECT / "deploy"
DOCKERFILE = (PROJECT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", "")
COMPOSE_TEXT = (PROJECT / "compose.yaml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(re.sub(r"\$\{SUBNET:-([0-9.]+)\}", r"\1", COMPOSE_TEXT))


def run(*command: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=300, check=False, **options)


def test_the_alert_rules_are_valid_and_pass_their_tests() -> None:
    promtool = find_program("promtool")
    tests = ("test", "rules", "alerts.test.yaml", "outage.test.yaml")
    for command in (("check", "rules", "alerts.yaml"), tests):
        done = run(promtool, *command, cwd=DEPLOY)
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_test_in_which_it_fires() -> None:
    groups = yaml.safe_load((DEPLOY / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
    alerts = {rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule}
    files = [DEPLOY / name for name in ("alerts.test.yaml", "outage.test.yaml")]
    tests = [test for file in files for test in yaml.safe_load(file.read_text(encoding="utf-8"))["tests"]]
    fired = {case["alertname"] for test in tests for case in test["alert_rule_test"] if case.get("exp_alerts")}
    assert fired == alerts


def test_the_alert_rules_query_existing_metrics() -> None:
    rules = (DEPLOY / "alerts.yaml").read_text(encoding="utf-8")
    source = (PROJECT / "api" / "metrics.py").read_text(encoding="utf-8")
    asked = {re.sub(r"_(total|bucket)$", "", name) for name in re.findall(r"\b(tasks_\w+)\{", rules)}
    assert asked == set(re.findall(r'"(tasks_\w+)"', source)) - {
        "tasks_rate_limited",
        "tasks_database_connections",
        "tasks_log_lines_dropped",
        "tasks_build_info",
    }


def test_the_dockerfile_passes_its_linter() -> None:
    done = run(find_program("hadolint"), PROJECT / "Dockerfile")
    assert done.returncode == 0, done.stdout


def test_the_files_in_the_image_suffice_to_serve(tmp_path: Path, database_url: str) -> None:
    copied = re.findall(r"^COPY (?!--from)(\S+) (\S+)$", DOCKERFILE, re.MULTILINE)
    ignored = (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for source, _ in copied:
        assert f"!{source}" in ignored
        if (PROJECT / source).is_dir():
            shutil.copytree(PROJECT / source, tmp_path / source, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(PROJECT / source, tmp_path)
    command = json.loads(re.findall(r"^CMD (.*)$", DOCKERFILE, re.MULTILINE)[-1])
    assert command[0] == "python"
    assert re.search(r"^STOPSIGNAL SIGTERM$", DOCKERFILE, re.MULTILINE)
    port = str(free_port())
    environ = {
        **dict(re.findall(r"\b([A-Z_]+)=(\S+)", re.findall(r"^ENV (.*)$", DOCKERFILE, re.MULTILINE)[0])),
        "PATH": os.environ["PATH"],
        "HOST": "127.0.0.1",
        "PORT": port,
        "DATABASE_URL": database_url,
        "BETTER_AUTH_SECRET": SECRET,
    }
    probe = json.loads(re.findall(r"^HEALTHCHECK .*? CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)[0])
    assert probe[0] == "python"
    service = Program([sys.executable, *command[1:]], tmp_path / "log", cwd=tmp_path, environ=environ)
    try:
        service.wait_until(lambda: '"event":"ready"' in service.output, "the service to be ready")
        service.wait_until(lambda: run(sys.executable, *probe[1:], env=environ).returncode == 0, "the probe to pass")
    finally:
        status = service.stop()
    assert status == 0
    assert run(sys.executable, *probe[1:], env=environ).returncode != 0
    assert str(tmp_path) not in service.output


def test_the_image_does_not_run_as_root() -> None:
    users = re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)
    assert users
    assert users[-1] not in {"root", "0"}
    assert "alpine" not in DOCKERFILE.replace("No Alpine", "").lower()


def test_compose_uses_only_existing_settings_and_files() -> None:
    services = COMPOSE["services"]
    assert set(services) == {"one", "two", "proxy", "database", "redis", "prometheus", "grafana"}
    for name in ("one", "two"):
        assert set(services[name]["environment"]) <= set(SETTINGS)
        assert services[name]["build"] == "."
        assert services[name]["read_only"] is True
        assert int(services[name]["stop_grace_period"].rstrip("s")) > SETTINGS["SHUTDOWN_TIMEOUT"].default
    volumes = [volume for service in services.values() for volume in service.get("volumes", ())]
    mounted = [volume.split(":")[0] for volume in volumes if volume.startswith(".")]
    assert len(mounted) == 7
    assert all((PROJECT / path).exists() for path in mounted)
    assert services["database"]["image"] == "postgres:18"
    profiles = {name: service["profiles"] for name, service in services.items() if "profiles" in service}
    assert profiles == {"redis": ["redis"], "prometheus": ["monitoring"], "grafana": ["monitoring"]}


def test_composes_instructions_make_the_secrets_once(tmp_path: Path) -> None:
    commands = re.findall(r"^#   ((?:.*\\\n#   )*.*)$", COMPOSE_TEXT, re.MULTILINE)
    [make_secrets] = [command.replace("\n#", "\n") for command in commands if ".env" in command]
    required = set(re.findall(r"\$\{(\w+):\?", COMPOSE_TEXT))
    contents = []
    for _ in range(2):
        done = run("bash", "-c", make_secrets, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        contents.append((tmp_path / ".env").read_text(encoding="utf-8"))
    assert contents[0] == contents[1]
    assert required == {"POSTGRES_PASSWORD", "BETTER_AUTH_SECRET"}
    values = dict(line.split("=", 1) for line in contents[0].splitlines())
    assert values.keys() == required
    assert min(map(len, values.values())) >= 32
    # It stands in a URL.
    assert values["POSTGRES_PASSWORD"].isalnum()
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600


def test_every_address_in_compose_moves_with_the_subnet() -> None:
    # As it stands it is YAML too: compose parses it before it replaces variables.
    assert yaml.safe_load(COMPOSE_TEXT)["services"].keys() == COMPOSE["services"].keys()
    instructions, name, services = COMPOSE_TEXT.partition("\nname: ")
    moved = name + services.replace("${SUBNET:-172.28.0}", "10.9.8")
    assert "172." not in moved
    addresses = {each["networks"]["default"]["ipv4_address"] for each in yaml.safe_load(moved)["services"].values()}
    assert len(addresses) == 7
    assert all(address.startswith("10.9.8.") for address in addresses)
    assert "SUBNET=" in instructions


def test_the_image_keeps_its_data_in_a_volume() -> None:
    volumes = re.findall(r"^VOLUME (\S+)$", DOCKERFILE, re.MULTILINE)
    assert [f"DATA_DIR={volume}" for volume in volumes] == re.findall(r"\bDATA_DIR=\S+", DOCKERFILE)
    operating = (PROJECT / "docs" / "operating.md").read_text(encoding="utf-8")
    assert f"--volume tasks-data:{volumes[0]} " in operating


def test_compose_publishes_only_the_proxy() -> None:
    published = {name: service["ports"] for name, service in COMPOSE["services"].items() if "ports" in service}
    assert published.keys() == {"proxy", "grafana"}
    assert [port.split(":")[0] for port in published["grafana"]] == ["127.0.0.1"]


def test_compose_makes_a_proxy_configuration_with_both_instances(tmp_path: Path) -> None:
    script = COMPOSE["services"]["proxy"]["command"][-1]
    expressions = re.findall(r"-e (\S+)", script)
    done = run("sed", *(word for each in expressions for word in ("-e", each)), DEPLOY / "haproxy.cfg")
    addresses = {COMPOSE["services"][name]["networks"]["default"]["ipv4_address"] + ":8000" for name in ("one", "two")}
    assert set(re.findall(r"^\s+server \w+ (\S+)", done.stdout, re.MULTILINE)) == addresses
    (tmp_path / "haproxy.cfg").write_text(done.stdout, encoding="utf-8")
    checked = run(find_program("haproxy"), "-c", "-f", tmp_path / "haproxy.cfg")
    assert checked.returncode == 0, checked.stderr
    proxy = COMPOSE["services"]["proxy"]["networks"]["default"]["ipv4_address"]
    assert COMPOSE["services"]["one"]["environment"]["TRUSTED_PROXY"] == proxy


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The systemd unit with paths that exist here."""
    (tmp_path / "settings.env").touch()
    text = (DEPLOY / "tasks-backend.service").read_text(encoding="utf-8")
    text = text.replace("/opt/tasks-backend/bin/tasks-backend", sys.executable)
    text = text.replace("/etc/tasks-backend.env", f"{tmp_path}/settings.env")
    path = tmp_path / "tasks-backend.service"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_unit_is_valid_and_sandboxes_the_service(unit: Path) -> None:
    analyze = find_program("systemd-analyze")
    done = run(analyze, "verify", "--man=no", unit)
    assert (done.returncode, done.stderr) == (0, "")
    exposed = run(analyze, "security", "--offline=true", "--threshold=20", unit)
    assert exposed.returncode == 0, exposed.stdout


def test_the_unit_uses_only_existing_settings_and_waits_for_a_stop(unit: Path) -> None:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(unit)
    names = {word.partition("=")[0] for word in parser["Service"]["Environment"].split()}
    assert names - {"PYTHONDONTWRITEBYTECODE"} <= set(SETTINGS)
    assert int(parser["Service"]["TimeoutStopSec"]) > SETTINGS["SHUTDOWN_TIMEOUT"].default


def test_the_image_is_installed_from_the_lock() -> None:
    installs = re.findall(r"pip install ([^&\n]*)", DOCKERFILE)
    assert [re.findall(r"--requirement (\S+)", one) for one in installs] == [
        ["requirements/build.txt"],
        ["requirements/run.txt"],
    ]
    assert all("--require-hashes" in one for one in installs)
    assert "--no-build-isolation" in installs[1]


def test_the_objective_of_the_latency_alert_is_a_bucket_of_the_histogram() -> None:
    rules = (DEPLOY / "alerts.yaml").read_text(encoding="utf-8")
    threshold = re.search(r"p95_rate10m > ([0-9.]+)", rules)
    assert threshold is not None
    assert float(threshold[1]) in BUCKETS
