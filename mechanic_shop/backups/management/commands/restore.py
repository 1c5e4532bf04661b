from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from mechanic_shop import backups


class Command(BaseCommand):
    help = (
        "Put a backup into the database of DATABASE_URL, which must be empty: nothing is "
        "ever written over."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file",
            metavar="FILE",
            type=Path,
            help="the shop-….sqlite3 or shop-….pgdump, with its manifest beside it",
        )

    def handle(self, *args: object, file: Path, **options: object) -> None:
        try:
            manifest = backups.restore(file)
        except OSError as error:
            raise CommandError(f"The restore failed: {error}.") from error
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
        more = " It is of an older version: run manage.py migrate." if missing else ""
        self.stdout.write(
            f"Restored {sum(manifest['rows'].values()):,} rows as of {manifest['made_at']}.{more}"
        )
