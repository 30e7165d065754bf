"""Configuration of the `pw_migrate` command: the database and users table of `serve.py`.

pw_migrate list            show which migrations have been run
pw_migrate migrate         run the others
pw_migrate rollback        undo the last one
"""

import os
import sys
from pathlib import Path

from playhouse import db_url

# The command executes this file alone, so the project is not importable unless it is installed.
sys.path.insert(0, str(Path.cwd()))

from api.dotenv_file import with_dotenv
from api.migrate import HISTORY, MigrationDatabase, carry_over_history
from api.postgres.embedded import start_embedded
from api.settings import load_settings

settings = load_settings(with_dotenv(os.environ))
url = settings.database_url or start_embedded(settings.data_dir)

_database = MigrationDatabase(url, settings.users_table)

# As a URL, because peewee-migrate for Python 3.10 does not accept the object.
db_url.schemes["configured"] = lambda **_: _database
DATABASE = "configured:///tasks"

MIGRATE_TABLE = HISTORY
with _database.connection_context():
    carry_over_history(_database)
