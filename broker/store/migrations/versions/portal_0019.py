"""Who is logged in to the portal, and who is on the way there.

Revision 0019, after 0018. The release before has no portal and does not look here.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the two tables."""
    op.create_table(
        "portal_login",
        sa.Column("browser_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("browser_sha256"),
    )
    op.create_table(
        "portal_session",
        sa.Column("token_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("login_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token_sha256"),
    )
    op.create_index("ix_portal_session_person", "portal_session", ["person"])


def downgrade() -> None:
    """Everybody is logged out."""
    op.drop_table("portal_session")
    op.drop_table("portal_login")
