"""Consents of a youth's family: in whose record they stand.

Revision 0004, after 0003. The release before writes none.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, with its index."""
    op.add_column("consent", sa.Column("about", sa.String(), nullable=True))
    op.create_index("ix_consent_about", "consent", ["about"])


def downgrade() -> None:
    """A family's consents would be taken for their own: they go with the column."""
    op.execute(
        "DELETE FROM party WHERE consent IN (SELECT id FROM consent WHERE about IS NOT NULL)"
    )
    op.execute(
        "DELETE FROM used_grant WHERE consent IN (SELECT id FROM consent WHERE about IS NOT NULL)"
    )
    op.execute("DELETE FROM consent WHERE about IS NOT NULL")
    op.drop_index("ix_consent_about", "consent")
    op.drop_column("consent", "about")
