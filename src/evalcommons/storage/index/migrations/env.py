"""Alembic's entry: runs revisions on the connection that `migrate` passes in."""

from alembic import context

from evalcommons.storage.index.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
