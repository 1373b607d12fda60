"""What is called unusual, and what it takes to see it.

Revision 0012, after 0011. The release before knows none of it; what is disclosed meanwhile is looked at later.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "looked",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "access",
        sa.Column("disclosure", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("odd", sa.Boolean(), nullable=False),
        sa.Column("emergency", sa.Boolean(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("disclosure"),
    )
    op.create_index("access_actor_at", "access", ["actor", "at"])
    op.create_index("access_subject_unit_at", "access", ["subject", "unit", "at"])
    op.create_index("access_at", "access", ["at"])
    op.create_table(
        "signal",
        sa.Column("position", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("once", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("numbers", sa.Text(), nullable=False),
        sa.Column("leaves", sa.Text(), nullable=False),
        sa.Column("disclosures", sa.Text(), nullable=False),
        sa.Column("more", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("id"),
        sa.UniqueConstraint("once"),
    )
    op.create_index("signal_at", "signal", ["at"])


def downgrade() -> None:
    """Take them away: a later upgrade looks at everything again."""
    op.drop_index("signal_at", "signal")
    op.drop_table("signal")
    op.drop_index("access_at", "access")
    op.drop_index("access_subject_unit_at", "access")
    op.drop_index("access_actor_at", "access")
    op.drop_table("access")
    op.drop_table("looked")
