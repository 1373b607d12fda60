"""What time does by itself: when each consent and disclosure is to be looked at, and what is told once.

Revision 0005, after 0004. The release before neither reads nor writes the new columns; what it adds is looked at soon.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, each with its index, and the table."""
    for table in ("consent", "disclosure"):
        look_at = sa.Column("look_at", sa.BigInteger(), nullable=False, server_default="0")
        op.add_column(table, look_at)
        op.create_index(f"{table}_look_at", table, ["look_at", "id"])
    op.create_table(
        "told_once",
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["subject"], ["subject.id"]),
        sa.PrimaryKeyConstraint("subject", "what"),
    )


def downgrade() -> None:
    """Forget when to look; nobody loses anything that they said."""
    op.drop_table("told_once")
    for table in ("consent", "disclosure"):
        op.drop_index(f"{table}_look_at", table)
        op.drop_column(table, "look_at")
