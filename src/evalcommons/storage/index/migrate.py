"""Bring a database to the tables of this version."""

from pathlib import Path

import sqlalchemy as sa

HEAD = "0001"
"""The newest revision in `migrations/versions`; a test compares them."""

_FOLDER = Path(__file__).parent / "migrations"


def migrate(engine: sa.Engine) -> None:
    """Apply every revision the database lacks; two processes that start together wait for each other.

    raises  RuntimeError when the database was made by a newer version
    """
    with engine.connect() as connection:
        if _revision(connection) == HEAD:
            return
    # Alembic takes 0.2 s to import, which a start with nothing to migrate should not pay.
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN EXCLUSIVE")
        else:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(0x6D696772)))
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise RuntimeError(
                f"this database was made by a newer evalcommons: {error}; upgrade the program"
            ) from error
        connection.commit()


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return str(found) if found is not None else None
