"""What meetings are to talk about.

Revision 0029, after 0028. The release before calls meetings without.
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("meeting", sa.Column("agenda", sa.Text(), nullable=False, server_default="[]"))


def downgrade() -> None:
    """Take it away."""
    op.drop_column("meeting", "agenda")
