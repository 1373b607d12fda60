"""What witnesses have cosigned of the log.

Revision 0015, after 0014. The release before shows the newest checkpoint and does not look here.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the two tables."""
    op.create_table(
        "log_head",
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("round", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("state"),
    )
    op.create_table(
        "log_witness",
        sa.Column("witness", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("round", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("free_at", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("witness"),
    )


def downgrade() -> None:
    """Take them away; the witnesses keep their own account."""
    op.drop_table("log_witness")
    op.drop_table("log_head")
