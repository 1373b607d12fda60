"""Bundles that have been in force, and what was asked for that no rule knows.

Revision 0007, after 0006. The release before neither reads nor writes either table.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create both."""
    op.create_table(
        "bundle",
        sa.Column("position", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("signatures", sa.Text(), nullable=False),
        sa.Column("loaded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
    )
    op.create_index("ix_bundle_digest", "bundle", ["digest"])
    op.create_table(
        "gap",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("asked", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "asked", "unit"),
    )


def downgrade() -> None:
    """Take both away: the release before decides by its directory."""
    op.drop_table("gap")
    op.drop_index("ix_bundle_digest", "bundle")
    op.drop_table("bundle")
