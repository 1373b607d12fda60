"""Employees who are logged in to the portal for their unit.

Revision 0023, after 0022. The release before has no pages for them and does not look here.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "portal_staff_session",
        sa.Column("token_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("login_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token_sha256"),
    )
    op.create_index("ix_portal_staff_session_actor", "portal_staff_session", ["actor"])


def downgrade() -> None:
    """Every employee is logged out."""
    op.drop_table("portal_staff_session")
