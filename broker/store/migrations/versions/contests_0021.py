"""Records that their subject contests.

Revision 0021, after 0020. The release before knows nothing of the table: what it discloses says of no value that
it is contested.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "contest",
        sa.Column("record", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("objection", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["record"], ["record.id"]),
        sa.ForeignKeyConstraint(["subject"], ["subject.id"]),
        sa.ForeignKeyConstraint(["objection"], ["record.id"]),
        sa.PrimaryKeyConstraint("record"),
    )
    op.create_index("ix_contest_subject", "contest", ["subject"])


def downgrade() -> None:
    """Take it away: nothing is contested."""
    op.drop_table("contest")
