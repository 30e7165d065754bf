"""A profile that is wrong stops the start, and fails `--check`, with one line: file, line, key and reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from api.app import mount_formats, routes
from api.ignored_input import IgnoredInput
from api.postgres.database import Database
from api.settings import Settings
from api.tokens import Tokens
from api.users_table import read_users_table
from serve import main
from tests.support.signing import SECRET

CLASH = '[tasks]\npath = "/tasks"\naliases = ["/tasks/{user_id}"]'
TWO_FIELDS = '[[fields]]\nname = "a"\ntype = "text"\n[[fields]]\nname = "a"\ntype = "number"'
TWO_COMPLETIONS = '[[completion]]\npath = "/toggle"\n[[completion]]\npath = "/toggle"\ndoes = "flip"'
CHOICE = '[[fields]]\nname = "a"\ntype = "choice"\n'

# Each has a first line with the summary. Then: the number of the wrong line, and what follows it in the message.
WRONG = [
    # Keys, types and values of the schema.
    ('[tasks]\npth = "/api/tasks"', 3, "tasks.pth: is no key here; allowed: path, aliases"),
    ('task = "x"', 2, "task: is no key here; allowed: summary, tasks"),
    ('[task]\npath = "/x"', 2, "task: is no key here"),
    ('tasks = "/api/tasks"', 2, "tasks: must be a table"),
    ("[tasks]\npath = 3", 3, "tasks.path: must be text"),
    ('[tasks]\npath = "api/tasks"', 3, 'tasks.path: "api/tasks" is not of its form, such as "/api/{user_id}/tasks"'),
    ('[tasks]\npath = "/api/tasks/"', 3, 'tasks.path: "/api/tasks/" is not of its form'),
    ('[tasks]\npath = "/{user_id}"', 3, "tasks.path: "),
    ('[tasks]\npath = "/api/{owner}/tasks"', 3, "tasks.path: "),
    ('[tasks]\naliases = "/tasks"', 3, "tasks.aliases: must be an array"),
    ('[tasks]\nid_type = "int"', 3, "tasks.id_type: must be one of number, text"),
    ('[tasks]\ndelete_all = "yes"', 3, "tasks.delete_all: must be true or false"),
    ('[names]\ntitle = "9 lives"', 3, 'names.title: "9 lives" is not of its form, such as "text"'),
    ("[names]\ntitle = false", 3, "names.title: must be text"),
    ('[query]\nsearch = "q"', 3, "query.search: must be a table"),
    ('[query.limit]\nvalues = {few = "10"}', 3, "query.limit.values: is no key here"),
    ("completion = []", 2, "completion: "),
    ('[[completion]]\npath = "/done"\nmethods = ["GET"]', 4, "completion[0].methods[0]: must be one of PATCH"),
    ('[[completion]]\ndoes = "flip"', 2, "completion[0]: lacks the key path"),
    ('[[fields]]\nname = "a"', 2, "fields[0]: lacks the key type"),
    (CHOICE, 2, "fields[0]: lacks the key choices"),
    ('[[fields]]\nname = "a"\ntype = "text"\nchoices = ["x"]', 2, "fields[0]: the key choices is only for the type"),
    ('[status]\nname = "state"\ndone = "x"', 2, "status: lacks the key open"),
    ("[responses]\ncreated_status = 202", 3, "responses.created_status: must be one of 200, 201"),
    ("[errors.statuses]\nVALIDATION_ERROR = 200", 3, "errors.statuses.VALIDATION_ERROR: 200 is less than"),
    ("[errors.statuses]\nvalidation = 400", 3, "errors.statuses.validation: is no key here"),
    ('[accounts.cookie]\npath = "/"', 2, "accounts.cookie: lacks the key name"),
    ('[accounts.cookie]\nname = "a b"', 3, "accounts.cookie.name: "),
    ('[accounts.cookie]\nname = "a"\nsame_site = "strict"', 4, "accounts.cookie.same_site: must be one of lax, none"),
    # Values in templates.
    ('[responses]\nlist = {items = "$task"}', 3, "responses.list: $task is no value here; allowed: $tasks, $count"),
    ('[responses]\ntask = {a = ["$tasks"]}', 3, "responses.task: $tasks is no value here"),
    ('[responses]\ndeleted = "$task"', 3, "responses.deleted: $task is no value here"),
    ('[responses]\ncreated = "$total"', 3, "responses.created: $total is no value here"),
    ('[errors]\nbody = {e = "$error"}', 3, "errors.body: $error is no value here; allowed: $code, $message"),
    ('[accounts]\nsession = {t = "$jwt"}', 3, "accounts.session: $jwt is no value here"),
    ('[accounts]\nregistered = {t = "$jwt"}', 3, "accounts.registered: $jwt is no value here"),
    ('[accounts]\nuser = {u = "$user"}', 3, "accounts.user: $user is no value here"),
    ('[accounts]\nprofile = "$token"', 3, "accounts.profile: $token is no value here"),
    ('[accounts]\nlogged_out = "$token"', 3, "accounts.logged_out: $token is no value here"),
    ('[responses]\ntask = "$a\\nb"', 3, "responses.task: $a?b is no value here"),
    ("[responses]\ntask = {a = 2026-03-01}", 3, "responses.task: holds a value that JSON does not have"),
    ("[errors]\nbody = {a = [inf]}", 3, "errors.body: holds a value that JSON does not have"),
    ("[accounts]\nuser = {a = 99999999999999999999}", 3, "accounts.user: holds a value that JSON does not have"),
    # Names of fields.
    ('[names]\ntitle = "description"', 3, "names.title: description is a name of two fields"),
    ('[names]\ntitle = "a"\ndue_date = "a"', 4, "names.due_date: a is a name of two fields"),
    ('[also]\ntitle = ["completed"]', 3, "also.title: completed is a name of two fields"),
    ('[also]\ntitle = ["title"]', 3, "also.title: title is a name of two fields"),
    ('[[fields]]\nname = "title"\ntype = "text"', 3, "fields[0].name: the name title is taken"),
    (TWO_FIELDS, 6, "fields[1].name: the name a is taken"),
    ('[tasks]\nurl = "id"', 3, "tasks.url: the name id is taken"),
    ('[status]\nname = "title"\ndone = "x"\nopen = "y"', 3, "status.name: the name title is taken"),
    ('[accounts.names]\nemail = "password"', 3, "accounts.names.email: password is a name of two fields"),
    ('[accounts]\nform = true\n[accounts.names]\nname = "username"', 5, "accounts.names.name: username is a name of"),
    # Defaults, states, zones, codes.
    ('[[fields]]\nname = "a"\ntype = "number"\ndefault = "x"', 5, "fields[0].default: is not a value of the field"),
    ('[[fields]]\nname = "a"\ntype = "number"\ndefault = true', 5, "fields[0].default: is not a value of the field"),
    ('[[fields]]\nname = "a"\ntype = "list"\ndefault = "x"', 5, "fields[0].default: is not a value of the field"),
    (CHOICE + 'choices = ["x"]\ndefault = "y"', 6, "fields[0].default: is not a value of the field"),
    ('[status]\nname = "s"\ndone = "x"\nopen = "x"', 5, "status.open: x is the value of done already"),
    ('[status]\nname = "s"\ndone = "x"\nopen = "y"\nothers = ["z", "y"]', 6, "status.others: must not have"),
    ('[dates]\nlocal_zone = "Mars/Base"', 3, "dates.local_zone: Mars/Base is no time zone"),
    ('[dates]\nlocal_zone = "../../../etc/passwd"', 3, "dates.local_zone: ../../../etc/passwd is no time zone"),
    ("[errors.statuses]\nTEAPOT = 418", 3, "errors.statuses.TEAPOT: is no error code; allowed: BAD_REQUEST"),
    ("[errors.statuses]\nVALIDATION_ERROR = 499", 3, "errors.statuses.VALIDATION_ERROR: 499 is no status of HTTP"),
    # Query parameters.
    ('[query]\nsearch = {names = ["q"]}\nsort = {names = ["q"]}', 4, "query.sort.names: q is a name of search already"),
    ('[query.status]\nnames = ["done"]\nvalues = {yes = "finished"}', 4, 'query.status.values.yes: "finished" is no'),
    ('[query.sort]\nvalues = {newest = "date"}', 3, 'query.sort.values.newest: "date" is no value of sort; allowed:'),
    (
        '[query.sort]\nnames = ["a"]\n[[fields]]\nname = "a"\ntype = "text"',
        3,
        "query.sort.names: a is a name of a field",
    ),
    (
        '[query.sort]\nnames = ["s"]\n[status]\nname = "s"\ndone = "x"\nopen = "y"',
        3,
        "query.sort.names: s is the name of",
    ),
    # Paths.
    (TWO_COMPLETIONS, 5, "completion[1].path: PATCH /toggle is there already"),
    (CLASH, 4, "tasks.aliases[0]: /tasks/{user_id} collides with the path /tasks/{task_id}"),
    ('[tasks]\npath = "/a/{user_id}/{user_id}"', 3, "tasks.path: {user_id} may occur once"),
    (
        '[tasks]\naliases = ["/tasks", "/api/tasks"]',
        3,
        "tasks.aliases[1]: /api/tasks collides with the path /api/tasks",
    ),
    ('[accounts]\nme = ["/api/tasks"]', 3, "accounts.me[0]: /api/tasks collides with the path /api/tasks"),
    ('[accounts]\nlogin = ["/session"]\nregister = ["/session"]', 4, "accounts.register[0]: /session collides with"),
    ('[accounts]\nlogin = ["/auth/register"]', 2, "accounts.register[0]: /auth/register collides with the path"),
    *(
        (f'[tasks]\npath = "{path}"', 3, f"tasks.path: {path} is a path of the service itself")
        for path in ("/health", "/ready", "/docs", "/openapi.json", "/static", "/canonical", "/canonical/api/tasks")
    ),
    ('[accounts]\nlogout = ["/docs"]', 3, "accounts.logout[0]: /docs is a path of the service itself"),
]


def refuse(capsys: pytest.CaptureFixture[str], path: Path | str) -> str:
    """The line with which both the start and the check refuse a profile."""
    lines = []
    for arguments in ([], ["--check"]):
        assert main(arguments, {"FRONTEND": str(path)}) == 1
        captured = capsys.readouterr()
        assert captured.out == ""
        lines.append(captured.err)
    assert lines[0] == lines[1]
    assert lines[0].count("\n") == 1
    return lines[0].rstrip("\n")


@pytest.mark.parametrize(("text", "line", "reason"), WRONG, ids=[reason[:50] for _, _, reason in WRONG])
def test_a_wrong_profile_is_refused_with_file_line_key_and_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, line: int, reason: str
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f'summary = "Mine."\n{text}\n', encoding="utf-8")
    refusal = refuse(capsys, path)
    assert refusal.startswith(f"serve.py: FRONTEND {path}, line {line}: {reason}"), refusal


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", ": lacks the key summary"),
        (b'summary = ""', ", line 1: summary: "),
        (b'summary = "a"\nsummary = "b"', ": not TOML: "),
        (b'summary = "a"\n[tasks\n', ": not TOML: Expected ']' at the end of a table declaration (at line 2"),
        (b'summary = "a"\n[tasks]\npath = /api/tasks\n', ": not TOML: "),
        (b'{"summary": "a"}', ": not TOML: "),
        (b'summary = "caf\xe9"', ": is not UTF-8"),
        ('summary = "a"'.encode("utf-16"), ": is not UTF-8"),
    ],
)
def test_a_file_that_is_no_profile_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, reason: str
) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    assert refuse(capsys, path).startswith(f"serve.py: FRONTEND {path}{reason}")


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing, folder = tmp_path / "missing.toml", tmp_path / "folder.toml"
    folder.mkdir()
    assert refuse(capsys, missing) == f"serve.py: FRONTEND {missing}: No such file or directory"
    assert refuse(capsys, folder) == f"serve.py: FRONTEND {folder}: Is a directory"


@pytest.mark.parametrize("name", ["nobody", "canonical.json", "../canonical", "api/profiles/bare"])
def test_a_name_that_does_not_ship_is_refused(capsys: pytest.CaptureFixture[str], name: str) -> None:
    refusal = refuse(capsys, name)
    assert refusal.startswith(f"serve.py: FRONTEND {name} is no profile; use a path that ends in .toml, or one of ")
    assert "canonical" in refusal


def test_every_path_of_the_service_itself_is_closed_to_profiles(
    database: Database, make_settings: Callable[..., Settings]
) -> None:
    settings = make_settings(FRONTEND="owner-path")
    mounts = mount_formats(settings, IgnoredInput())
    tokens = Tokens((SECRET,), issuer=None, audience=None, jwks=None)
    users_table = read_users_table(database, settings.users_table)
    table = routes(settings, database, users_table, tokens=tokens, storage=None, mounts=mounts)
    templates = [route.template for route in table]
    own = {template.split("/")[1] for template in templates if not template.startswith("/api/{user_id}/")}
    assert own - {""} == {"canonical", "docs", "health", "openapi.json", "ready", "service-worker.js", "static"}
