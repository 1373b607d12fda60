"""Codes to answer a request on the spot.

Revision 0026, after 0025. The release before makes none and does not look here.
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "portal_spot",
        sa.Column("consent", sa.String(), nullable=False),
        sa.Column("code_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["consent"], ["consent.id"]),
        sa.PrimaryKeyConstraint("consent"),
        sa.UniqueConstraint("code_sha256"),
    )


def downgrade() -> None:
    """No code is good any more."""
    op.drop_table("portal_spot")
