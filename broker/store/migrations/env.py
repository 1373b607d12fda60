"""Alembic's entry: runs the revisions on the connection that ``broker.store.migrate`` hands over."""

from alembic import context

from audit.storage import metadata as log
from broker.store.tables import Row

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=[Row.metadata, log],
    transactional_ddl=True,
)
context.run_migrations()
