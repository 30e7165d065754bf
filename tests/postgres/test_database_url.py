"""The accepted forms of DATABASE_URL, and the messages for invalid ones."""

from __future__ import annotations

import pytest

from api.postgres.database_url import connection_parameters, describe, parse_url


@pytest.mark.parametrize(
    "scheme", ["postgres", "postgresql", "postgresql+psycopg2", "postgresql+psycopg", "postgresql+asyncpg"]
)
def test_every_spelling_of_the_scheme_means_the_same(scheme: str) -> None:
    found = parse_url(f"{scheme}://ada:secret@db.example:6543/tasks")
    assert found == {"user": "ada", "password": "secret", "host": "db.example", "port": "6543", "dbname": "tasks"}


def test_a_password_is_percent_decoded() -> None:
    assert parse_url("postgres://ada:p%40ss%2Fw%25rd%3A@db/tasks")["password"] == "p@ss/w%rd:"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ada:Tr0ub/4dor@db/tasks",
        "postgresql://ada:5432/Tr0ub4dor@db/tasks",
        "postgresql://ada:Tr0ub@4dor@db/tasks",
        "postgresql://ada:Tr0ub/a?4dor@db/tasks",
        "postgresql://ada:a?Tr0ub/a?b=4dor@db/tasks",
        "postgresql://ada:5432?Tr0ub=/4dor@db/tasks",
        "postgresql://ada:%Tr0ub4dor@db/tasks",
    ],
)
def test_a_password_that_is_not_encoded_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ValueError, match=r"^must .* percent-encoded") as caught:
        parse_url(url)
    assert "Tr0ub" not in str(caught.value)
    assert "4dor" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "user"),
    [
        ("postgresql://db:5432/tasks?user=ada@azure", "ada@azure"),
        ("postgresql://db/tasks?user=ada@azure", "ada@azure"),
        ("postgresql://[::1]:5432/tasks?user=ada@azure", "ada@azure"),
        ("postgresql://ada:pass:word@db/tasks", "ada"),
        ("postgresql://ada:pass#word@db/tasks", "ada"),
        ("postgresql://ada:pass?sslmode=word@db/tasks", "ada"),
    ],
)
def test_an_at_sign_elsewhere_and_other_characters_are_accepted(url: str, user: str) -> None:
    assert parse_url(url)["user"] == user


def test_every_parameter_is_passed_on() -> None:
    found = parse_url(
        "postgres://a@db/tasks?sslmode=require&channel_binding=require&connect_timeout=10&options=-c%20x%3D1"
    )
    assert (found["sslmode"], found["channel_binding"], found["connect_timeout"]) == ("require", "require", "10")
    assert found["options"] == "-c x=1"


def test_missing_parts_of_the_url_have_defaults() -> None:
    assert connection_parameters("postgresql://ada@db/tasks") == {
        "user": "ada",
        "host": "db",
        "dbname": "tasks",
        "connect_timeout": "2",
        "client_encoding": "UTF8",
        "fallback_application_name": "tasks",
        "keepalives_idle": "30",
        "keepalives_interval": "5",
        "keepalives_count": "3",
    }
    assert connection_parameters("postgresql://db/tasks", connect_timeout="10")["connect_timeout"] == "10"
    url = "postgresql://db/tasks?connect_timeout=5"
    assert connection_parameters(url, connect_timeout="10")["connect_timeout"] == "5"


def test_a_socket_directory_and_several_hosts_are_accepted() -> None:
    assert parse_url("postgresql:///tasks?host=/var/run/postgresql")["host"] == "/var/run/postgresql"
    assert parse_url("postgresql://one,two:5433/tasks?target_session_attrs=read-write")["host"] == "one,two"


@pytest.mark.parametrize(
    ("query", "mode"),
    [
        ("ssl=require", "require"),
        ("ssl=verify-full", "verify-full"),
        ("ssl=true", "require"),
        ("application_name=x&ssl=require", "require"),
        ("prepared_statement_cache_size=0&ssl=require", "require"),
    ],
)
def test_the_asyncpg_spelling_of_ssl_is_understood(query: str, mode: str) -> None:
    found = parse_url(f"postgresql+asyncpg://ada@db/tasks?{query}")
    assert found["sslmode"] == mode
    assert not {"ssl", "prepared_statement_cache_size"} & set(found)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "tasks",
        "mysql://ada:hunter2@db/tasks",
        "postgresql://ada:hunter2@db",
        "postgresql://ada:hunter2@db/",
        "postgresql://ada:hunter2%@db/tasks",
        "postgresql://ada:hunter2%00@db/tasks",
        "postgresql://ada:hunter2\0@db/tasks",
        "postgresql://ada:hunter2\ud800@db/tasks",
        "postgresql://ada:hunter2@[::1/tasks",
        "postgresql://ada:hunter2@db/tasks?nonsense=1",
        "postgresql://ada@db/tasks?password",
    ],
)
def test_an_invalid_url_is_reported_in_one_line_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match=r"\Amust [^\n]*\Z") as caught:
        parse_url(url)
    assert "hunter2" not in str(caught.value)


def test_an_unknown_parameter_is_named() -> None:
    with pytest.raises(ValueError, match="pgbouncer"):
        parse_url("postgresql://ada:hunter2@db/tasks?pgbouncer=true")


def test_the_description_names_the_database_and_no_secret() -> None:
    url = "postgresql://ada:hunter2@db.example:6543/tasks?sslmode=require&sslpassword=hunter2"
    assert describe(url) == "tasks at db.example port 6543"
    assert describe("postgresql:///tasks?host=%2Fvar%2Frun") == "tasks at /var/run"
    assert describe("postgresql:///tasks") == "tasks at localhost"
