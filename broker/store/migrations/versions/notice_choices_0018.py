"""How subjects want to be told, and which notices are due and were handed on.

Revision 0018, after 0017. What the release before adds is told at once: a tick of this one makes it due. What was there is
handed on already: nobody is told again of all that was.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_WAITS = sa.text("due_at IS NULL AND handed_at IS NULL")
_DUE = sa.text("handed_at IS NULL")


def upgrade() -> None:
    """Create the table, add three columns and two small indexes."""
    op.create_table(
        "notice_choice",
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("how", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["subject"], ["subject.id"]),
        sa.PrimaryKeyConstraint("subject", "unit"),
    )
    op.add_column("notice", sa.Column("how", sa.String(), nullable=False, server_default="at_once"))
    op.add_column("notice", sa.Column("due_at", sa.BigInteger(), nullable=True))
    op.add_column("notice", sa.Column("handed_at", sa.BigInteger(), nullable=True))
    op.execute(sa.text('UPDATE notice SET due_at = "at", handed_at = "at"'))
    op.create_index(
        "notice_waits", "notice", ["position"], sqlite_where=_WAITS, postgresql_where=_WAITS
    )
    op.create_index("notice_due", "notice", ["due_at"], sqlite_where=_DUE, postgresql_where=_DUE)


def downgrade() -> None:
    """Take all of it away: everybody is told each time."""
    op.drop_index("notice_due", "notice")
    op.drop_index("notice_waits", "notice")
    op.drop_column("notice", "handed_at")
    op.drop_column("notice", "due_at")
    op.drop_column("notice", "how")
    op.drop_table("notice_choice")
