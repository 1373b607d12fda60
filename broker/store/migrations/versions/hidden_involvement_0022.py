"""Services whose involvement subjects hide from the others.

Revision 0022, after 0021. The release before decides without it: what is hidden counts everywhere once all
replicas are renewed.
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "hidden_unit",
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["subject"], ["subject.id"]),
        sa.PrimaryKeyConstraint("subject", "unit"),
    )


def downgrade() -> None:
    """Take it away: what subjects hid is told again, so ask them first."""
    op.drop_table("hidden_unit")
