"""Questions to whoever wants to be asked first.

Revision 0020, after 0019. The release before puts none, and refuses to read a consent on which one could be put.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "question",
        sa.Column("position", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("consent", sa.String(), nullable=False),
        sa.Column("closes", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["subject"], ["subject.id"]),
        sa.ForeignKeyConstraint(["consent"], ["consent.id"]),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("id"),
    )
    op.create_index("ix_question_consent", "question", ["consent"])
    op.create_index("question_subject_position", "question", ["subject", "position"])
    op.create_index("question_subject_closes", "question", ["subject", "closes"])


def downgrade() -> None:
    """Take it away: whoever wants to be asked first is asked no more, and nothing is shared on their lines."""
    op.drop_index("question_subject_closes", "question")
    op.drop_index("question_subject_position", "question")
    op.drop_index("ix_question_consent", "question")
    op.drop_table("question")
