"""Receipts, sealed like the contents of the log's entries that they are of.

Revision 0014, after 0013. The release before writes receipts in clear, which are sealed within a minute of this one's start. A
sealed one it hands out empty, which no SDK takes: a repeat that reaches a replica of this release gets it whole.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both columns, and an index of what waits."""
    op.add_column("disclosure", sa.Column("receipt_volume", sa.LargeBinary(), nullable=True))
    op.add_column("disclosure", sa.Column("receipt_sealed", sa.LargeBinary(), nullable=True))
    op.create_index(
        "disclosure_receipt_waiting",
        "disclosure",
        ["position"],
        sqlite_where=sa.text("receipt <> ''"),
        postgresql_where=sa.text("receipt <> ''"),
    )


def downgrade() -> None:
    """Take them away: the receipts sealed since are gone then; recipients and subjects hold theirs."""
    op.drop_index("disclosure_receipt_waiting", "disclosure")
    op.drop_column("disclosure", "receipt_sealed")
    op.drop_column("disclosure", "receipt_volume")
