"""The point that a case has reached in a collaboration.

Revision 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table of stages; the previous release never looks at it."""
    op.create_table(
        "stage",
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("collaboration", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["subject"], ["subject.id"]),
        sa.PrimaryKeyConstraint("subject", "collaboration"),
    )


def downgrade() -> None:
    """Forget the stages."""
    op.drop_table("stage")
