"""What a source says to a value that is contested.

Revision 0024, after 0023. The release before neither writes nor reads it; a contest made anew there has no answer yet.
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what the source found, and when it said so."""
    op.add_column("contest", sa.Column("finding", sa.String(), nullable=True))
    op.add_column("contest", sa.Column("answered_at", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Take them away: no source has answered."""
    op.drop_column("contest", "answered_at")
    op.drop_column("contest", "finding")
