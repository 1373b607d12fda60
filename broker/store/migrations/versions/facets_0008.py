"""What log entries are searched by.

Revision 0008, after 0007. The release before writes entries without facets, which stay searchable by type and time; what
its sequencer places, one of this release spreads. An index on the time of entries that have their place is for searches by
time; one on those that wait there is already.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create column, tables and index."""
    op.add_column("log_entry", sa.Column("facets", sa.Text(), nullable=True))
    op.create_index(
        "log_entry_at",
        "log_entry",
        ["at", "idx"],
        sqlite_where=sa.text("idx IS NOT NULL"),
        postgresql_where=sa.text("idx IS NOT NULL"),
    )
    op.create_table(
        "log_facet",
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("word", sa.String(80), nullable=False),
        sa.Column("idx", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("kind", "word", "idx"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "log_spread",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def downgrade() -> None:
    """Take them away: the release before finds entries by their index only."""
    op.drop_table("log_spread")
    op.drop_table("log_facet")
    op.drop_index("log_entry_at", "log_entry")
    op.drop_column("log_entry", "facets")
