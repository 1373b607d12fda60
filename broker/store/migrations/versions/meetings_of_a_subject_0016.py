"""Meetings of a subject are found in the order in which they are held.

Revision 0016, after 0015. The release before finds what it looks for without.
"""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index("meeting_subject_held_at", "meeting", ["subject", "held_at"])


def downgrade() -> None:
    """Take it away."""
    op.drop_index("meeting_subject_held_at", "meeting")
