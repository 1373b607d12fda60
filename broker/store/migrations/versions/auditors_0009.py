"""What each auditor may see.

Revision 0009, after 0008. The release before gives every auditor the log and nothing else, and so does this one to an
auditor without a row, but for searches that show nobody.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "auditor",
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("unit"),
    )


def downgrade() -> None:
    """Take it away."""
    op.drop_table("auditor")
