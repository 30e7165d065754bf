"""Configuration of the `pw_migrate` command: the database and users table of `serve.py`.

pw_migrate list            show which migrations have been run
pw_migrate migrate         run the others
pw_migrate rollback        undo the last one; refused while that would delete data

Elsewhere than in a checkout: pw_migrate list --directory "$(tasks-backend migrations --directory)"
"""

import os
import sys
from pathlib import Path

import click
from playhouse import db_url

# The command executes the text of this file, which knows no path: `api` lies beside the folder of --directory.
sys.path.insert(0, str(Path(click.get_current_context().params["directory"]).absolute().parent))

from api.dotenv_file import with_dotenv
from api.migrate import HISTORY
from api.migration_command import DATA_MAY_GO, open_database

# Not from .env, where it would be forgotten.
_database = open_database(with_dotenv(os.environ), sys.argv[1:], data_may_go=os.environ.get(DATA_MAY_GO))

# As a URL, because peewee-migrate for Python 3.10 does not accept the object.
db_url.schemes["configured"] = lambda **_: _database
DATABASE = "configured:///tasks"

MIGRATE_TABLE = HISTORY
