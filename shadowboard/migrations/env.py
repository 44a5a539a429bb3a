"""How Alembic reaches the database: over the connection of whoever upgrades it, in that transaction."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
