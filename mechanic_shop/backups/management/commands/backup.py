from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser

from mechanic_shop import backups
from mechanic_shop.backups import files


class Command(BaseCommand):
    help = (
        "Back the database up into a folder, while the shop serves: a dated file, and a "
        "manifest beside it. The keys in var/ are not in it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "folder", metavar="DIR", type=Path, help="a folder of this shop's own, which must exist"
        )
        parser.add_argument(
            "--keep",
            type=int,
            metavar="N",
            help="afterwards remove all but the N newest backups in DIR",
        )

    def handle(
        self, *args: object, folder: Path, keep: int | None = None, **options: object
    ) -> None:
        if keep is not None and keep < 1:
            raise CommandError(f"--keep is {keep}: use a whole number from 1 on.")
        if not folder.is_dir():  # made by itself it would hide a disk that is not mounted
            raise CommandError(f"{folder} is not a folder: make it, or mount its disk, first.")
        try:
            path, manifest = backups.write(folder)
            old = files.throw_away(folder, keep) if keep else []
        except OSError as error:
            raise CommandError(f"The backup failed: {error}.") from error
        if options["verbosity"]:
            removed = f", and removed {len(old)} old" if old else ""
            self.stdout.write(
                f"Backed up {sum(manifest['rows'].values()):,} rows, "
                f"{manifest['bytes']:,} bytes, to {path}{removed}."
            )
