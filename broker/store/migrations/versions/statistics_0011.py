"""What was counted of each month.

Revision 0011, after 0010. The release before neither counts nor reads it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "statistics",
        sa.Column("month", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("month", "topic"),
    )


def downgrade() -> None:
    """Take it away: a later upgrade counts again."""
    op.drop_table("statistics")
