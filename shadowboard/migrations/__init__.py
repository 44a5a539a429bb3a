"""The store's versions, one file each, run by Alembic."""
