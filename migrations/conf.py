"""Settings of the `pw_migrate` command: the database and users table that serve.py would use.

pw_migrate list            what has been run, what has not
pw_migrate migrate         run what has not
pw_migrate rollback        undo the last one
"""

import os
import sys
from pathlib import Path

from playhouse import db_url

# The command runs this file by itself, so the project is not importable unless it is installed.
sys.path.insert(0, str(Path.cwd()))

from api.dotenv_file import with_dotenv
from api.postgres.database import Database
from api.postgres.embedded import start_embedded
from api.settings import load_settings

settings = load_settings(with_dotenv(os.environ))
url = settings.database_url or start_embedded(settings.data_dir)

_database = Database(url, pool_size=1, statement_timeout=settings.statement_timeout).peewee
_database.users_table = settings.users_table

# By a URL and not by the object, which peewee-migrate for Python 3.10 does not take.
db_url.schemes["configured"] = lambda **_: _database
DATABASE = "configured:///tasks"
