"""Revisions make exactly the tables that the code speaks of."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from evalcommons.storage.index import migrate as migration
from evalcommons.storage.index.schema import metadata


@pytest.fixture
def engine(tmp_path: Path):
    made = sa.create_engine(f"sqlite:///{tmp_path / 'hub.sqlite'}", isolation_level=None, poolclass=sa.pool.NullPool)
    yield made
    made.dispose()


def test_the_revisions_lead_to_the_tables_of_the_code(engine):
    """A change of schema.py without a revision is found here."""
    migration.migrate(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_newest_revision_is_the_one_a_start_looks_for():
    """HEAD names the newest file, so that a start with nothing to do stays quick."""
    config = Config()
    config.set_main_option("script_location", str(migration._FOLDER))
    assert ScriptDirectory.from_config(config).get_current_head() == migration.HEAD


def test_migrating_twice_changes_nothing(engine):
    """Every start migrates."""
    migration.migrate(engine)
    migration.migrate(engine)


def test_a_database_of_a_newer_version_is_refused(engine):
    """Going on would damage it; the message says what to do."""
    migration.migrate(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(RuntimeError, match=r"newer evalcommons.*upgrade the program"):
        migration.migrate(engine)
