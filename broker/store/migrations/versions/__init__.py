"""Revisions, in the order in which their ``down_revision`` links them."""
