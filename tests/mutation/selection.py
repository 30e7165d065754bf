"""Which mutants are tried, and by which tests each module is judged."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Final, NamedTuple

TESTS: Final = {
    "api/check.py": "operations/test_check.py",
    "api/command_line.py": "operations/test_command_line.py"
    " operations/test_operating_doc.py::test_its_settings_are_those_of_the_code",
    "api/account*": "contracts/test_accounts.py contracts/test_account_emails.py contracts/test_known_addresses.py"
    " contracts/test_renewal.py contracts/test_account_limits.py",
    "api/digests.py": "contracts/test_known_addresses.py",
    "api/dotenv_file.py": "test_serve.py test_pw_migrate.py",
    "api/due_dates.py": "contracts/test_due_dates.py",
    "api/entity_tags.py": "contracts/test_preconditions.py browser/test_assets.py",
    "api/errors.py": "test_errors.py test_openapi.py contracts/test_accounts.py",
    "api/forwarded.py": "server/test_forwarded.py contracts/test_account_limits.py",
    "api/housekeeping.py": "operations/test_housekeeping.py",
    "api/inst*": "test_package.py",
    "api/interpreter.py": "operations/test_bad_start.py",
    "api/jose/jwk.py": "test_jwk.py test_tokens_of_key_sets.py",
    "api/jose/jws.py": "test_tokens.py test_tokens_of_key_sets.py attacks/test_any_token.py",
    "api/jose/*": "test_jwks.py test_jwks_outages.py test_jwks_download.py",
    "api/log_escapes.py": "operations/test_log_output.py",
    "api/loaded_packages.py": "operations/test_worker_memory.py",
    "api/logs.py": "operations/test_log_output.py contracts/test_logs.py",
    "api/login_guard.py": "contracts/test_known_addresses.py contracts/test_account_limits.py",
    "api/metrics*": "operations/test_metrics.py",
    "api/migrate.py": "test_migrate.py operations/test_migration_command.py",
    "api/migration_command.py": "test_pw_migrate.py operations/test_migration_command.py",
    "api/models.py": "test_models.py",
    "api/openapi/*": "test_openapi.py",
    "api/pages.py": "browser/test_assets.py test_compression.py",
    "api/assets.py": "browser/test_assets.py test_compression.py",
    "api/page_bundle.py": "browser/test_assets.py test_bundle.py",
    "api/page_html.py": "browser/test_assets.py browser/test_install.py",
    "api/service_worker.py": "browser/test_install.py",
    "api/content_codings.py": "test_compression.py",
    "api/page_headers.py": "browser/test_assets.py test_reference.py",
    "api/password*": "contracts/test_passwords.py",
    "api/ports.py": "test_serve.py operations/test_bad_start.py",
    "api/postgres/account.py": "postgres/test_embedded.py",
    "api/postgres/cluster.py": "postgres/test_embedded.py",
    "api/postgres/database_url.py": "postgres/test_database_url.py",
    "api/postgres/embedded.py": "postgres/test_embedded.py",
    "api/postgres/*": "postgres",
    "api/preconditions.py": "contracts/test_preconditions.py browser/test_assets.py",
    "api/profiles/*": "frontends",
    "api/rate_limit*": "test_rate_limit_memory.py contracts/test_rate_limits.py contracts/test_account_limits.py"
    " contracts/test_redis_rate_limits.py",
    "api/reading.py": "test_errors.py contracts/test_text.py contracts/test_canonical.py contracts/test_bare.py"
    " contracts/test_cursors.py contracts/test_list_queries.py",
    "api/refus*": "server/test_malformed_requests.py",
    "api/request_ids.py": "contracts/test_logs.py",
    "api/resolved_settings.py": "test_resolved_settings.py test_tokens.py",
    "api/reference.py": "test_reference.py",
    "api/secret_file.py": "test_secret_file.py",
    "api/secret_strength.py": "test_secret_strength.py",
    "api/value_files.py": "test_setting_files.py",
    "api/server/*": "server",
    "api/settings.py": "test_settings.py test_setting_files.py operations/test_command_line.py",
    "api/task_rows.py": "contracts/test_canonical.py contracts/test_due_dates.py",
    "api/trace_context.py": "test_trace_context.py",
    "api/tokens.py": "test_tokens.py test_tokens_of_key_sets.py attacks/test_any_token.py",
    "api/user_*": "operations/test_users.py operations/test_users_refused.py",
    "api/users_table.py": "contracts/test_provisioning.py contracts/test_accounts_gone.py",
    "api/validation.py": "test_validation.py test_models.py contracts/test_canonical.py contracts/test_list_queries.py",
    "api/*": "test_cors.py test_errors.py contracts",
}
"""Tests, below tests/, by a module's path: the first pattern that fits counts, and the quickest tests come first."""

NO_DATABASE: Final = (
    *(
        "api/settings.py",
        "api/command_line.py",
        "api/validation.py",
        "api/reading.py",
        "api/preconditions.py",
        "api/entity_tags.py",
    ),
    *("api/errors.py", "api/forwarded.py", "api/due_dates.py", "api/rate_limit*", "api/tokens.py", "api/jose/*"),
    *("api/request_*.py", "api/refusals.py", "api/resolved_settings.py", "api/dotenv_file.py", "api/password*"),
    "api/digests.py",
    *("api/logs.py", "api/secret_file.py", "api/postgres/database_url.py", "api/task_rows.py"),
    *("api/server/request.py", "api/server/chunks.py", "api/server/body.py"),
)
"""Modules that need no database to do their part: all of their mutants are tried."""

# Of the replacements for one operator those that a slip of the hand makes: the others fail or survive with them.
_OPERATORS: Final = re.compile(
    r"core/(ReplaceComparisonOperator_(Is_IsNot|IsNot_Is|Eq_NotEq|NotEq_Eq|In_NotIn|NotIn_In"
    r"|Lt_(LtE|GtE)|LtE_(Lt|Gt)|Gt_(GtE|LtE)|GtE_(Gt|Lt))"
    r"|ReplaceBinaryOperator_(Add_Sub|Sub_Add|Mul_FloorDiv|Div_Mul|FloorDiv_Mul|Mod_Mul|Pow_Mul|BitOr_BitAnd"
    r"|BitAnd_BitOr|LShift_RShift|RShift_LShift)"
    r"|(?!Replace(Comparison|Binary)Operator).*)"
)


class Span(NamedTuple):
    """A part of a file: positions are of line, from 1, and column, from 0."""

    start: tuple[int, int]
    end: tuple[int, int]


def modules(patterns: tuple[str, ...]) -> list[Path]:
    """The modules of api/ that fit a pattern, relative to the working directory."""
    paths = sorted(Path("api").rglob("*.py"))
    return [path for path in paths if any(fnmatch(str(path), pattern) for pattern in patterns)]


def tests_of(module: Path) -> list[str]:
    """The tests that judge a module."""
    tests = next(tests for pattern, tests in TESTS.items() if fnmatch(str(module), pattern))
    return [f"tests/{path}" for path in tests.split()]


def is_tried(operator: str, start: tuple[int, int], annotations: list[Span]) -> bool:
    """Whether a mutant can tell something: a change within an annotation cannot."""
    inside = any(span.start <= start < span.end for span in annotations)
    return not inside and _OPERATORS.fullmatch(operator) is not None


def annotations_of(module: Path) -> list[Span]:
    return [
        Span((each.lineno, each.col_offset), (each.end_lineno or each.lineno, each.end_col_offset or 0))
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        for each in _annotations(node)
    ]


def _annotations(node: ast.AST) -> Iterator[ast.expr]:
    # Whether a dataclass is frozen or has slots is no behaviour either.
    if isinstance(node, ast.ClassDef):
        yield from node.decorator_list
    if isinstance(node, ast.FunctionDef) and node.returns is not None:
        yield node.returns
    if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation is not None:
        yield node.annotation
