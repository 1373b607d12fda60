"""Complaints of subjects about disclosures.

Revision 0027, after 0026. The release before takes none, and reminds nobody of one.
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "complaint",
        sa.Column("position", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("disclosure", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("look_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["subject"], ["subject.id"]),
        sa.ForeignKeyConstraint(["disclosure"], ["disclosure.id"]),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("id"),
    )
    not_closed = sa.text("state <> 'closed'")
    op.create_index(
        "complaint_one_at_a_time",
        "complaint",
        ["disclosure"],
        unique=True,
        sqlite_where=not_closed,
        postgresql_where=not_closed,
    )
    op.create_index("complaint_subject_position", "complaint", ["subject", "position"])
    op.create_index("complaint_unit_position", "complaint", ["unit", "position"])
    op.create_index("complaint_look", "complaint", ["look_at", "id"])


def downgrade() -> None:
    """Take it away, and with it what nobody has answered: read it out first."""
    op.drop_index("complaint_look", "complaint")
    op.drop_index("complaint_unit_position", "complaint")
    op.drop_index("complaint_subject_position", "complaint")
    op.drop_index("complaint_one_at_a_time", "complaint")
    op.drop_table("complaint")
