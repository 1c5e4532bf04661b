"""Two houses to break: the embedded default, and production with a PostgreSQL and a
Redis that are nobody else's.
"""

import shutil
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from .house import Postgres, Redis, Shop, counted

numbers = count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.faults)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How much was acknowledged, and found again."""
    reports = [
        report
        for found in terminalreporter.stats.values()
        for report in found
        if getattr(report, "when", "") == "teardown"
    ]
    for line in sorted(
        {value for report in reports for name, value in report.user_properties if name == "counted"}
    ):
        terminalreporter.write_line(line)


@pytest.fixture(autouse=True)
def _counts(record_property: Any) -> Iterator[None]:
    """Hand them to the process that writes the summary."""
    counted.clear()
    yield
    for line in counted:
        record_property("counted", line)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Postgres]:
    folder = Path(tempfile.mkdtemp(prefix="shop-faults-"))
    folder.chmod(0o755)  # the server runs as another user than root
    (folder / "cluster").mkdir()
    cluster = Postgres(folder / "cluster")
    try:
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder)


def fill(folder: Path, url: str) -> dict[str, Any]:
    shop = Shop(folder, {}, DATABASE_URL=url)
    assert shop.manage("migrate").wait(120) == 0, shop.log.read_text()
    return shop.inside("seed")


@pytest.fixture(scope="session")
def seeded_file(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A filled SQLite database, to be copied."""
    folder = tmp_path_factory.mktemp("seeded")
    return folder / "shop.sqlite3", fill(folder, f"sqlite:///{folder}/shop.sqlite3")


@pytest.fixture(scope="session")
def seeded_database(cluster: Postgres, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What is in the cluster's database `seeded`, to be copied."""
    cluster.sql("CREATE DATABASE seeded")
    return fill(tmp_path_factory.mktemp("seeded"), cluster.url("seeded"))


@pytest.fixture
def environment() -> dict[str, str]:
    """What a module's shops are told beside the usual."""
    return {}


@pytest.fixture
def embedded(
    seeded_file: tuple[Path, dict[str, Any]], tmp_path: Path, environment: dict[str, str]
) -> Iterator[Shop]:
    """SQLite and everything in one process."""
    shutil.copy(seeded_file[0], tmp_path)
    shop = Shop(tmp_path, seeded_file[1], **environment)
    with shop.running():
        assert shop.log_in() == 200
        yield shop


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    redis = Redis(tmp_path)
    yield redis
    redis.stop()


@pytest.fixture
def tablespace() -> str:
    """Where production's database lies."""
    return "pg_default"


@pytest.fixture
def production(
    cluster: Postgres,
    seeded_database: dict[str, Any],
    redis: Redis,
    tablespace: str,
    tmp_path: Path,
    environment: dict[str, str],
) -> Iterator[Shop]:
    """PostgreSQL, Redis and two workers."""
    name = f"shop{next(numbers)}"
    cluster.sql(f"CREATE DATABASE {name} TEMPLATE seeded TABLESPACE {tablespace}")
    # A copied sequence counts on without a word to the log of transactions until a
    # checkpoint: a crash before it would give out keys twice.
    cluster.sql("CHECKPOINT")
    settings = {
        "DATABASE_URL": cluster.url(name),
        "REDIS_URL": f"redis://127.0.0.1:{redis.port}/0",
        "WEB_CONCURRENCY": "2",
    }
    shop = Shop(tmp_path, seeded_database, **settings | environment)
    with shop.running():
        assert shop.log_in() == 200
        yield shop
    cluster.sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["embedded", "production"])
def shop(request: pytest.FixtureRequest) -> Shop:
    return request.getfixturevalue(request.param)
