"""Addresses at which subjects are told outside the portal.

Revision 0025, after 0024. The release before knows nothing of the table, and tells nobody outside the portal.
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_WAITING = sa.text("ended_at IS NULL AND confirmed_at IS NULL")
_CONFIRMED = sa.text("ended_at IS NULL AND NOT confirmed_at IS NULL")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "contact",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("volume", sa.LargeBinary(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("code_until", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.Column("refused_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("message", sa.String(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("try_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["subject"], ["subject.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("contact_subject", "contact", ["subject"])
    for name, condition in (
        ("contact_one_waiting", _WAITING),
        ("contact_one_confirmed", _CONFIRMED),
    ):
        op.create_index(
            name,
            "contact",
            ["subject"],
            unique=True,
            sqlite_where=condition,
            postgresql_where=condition,
        )


def downgrade() -> None:
    """Take it away: everybody is told in the portal only."""
    op.drop_table("contact")
