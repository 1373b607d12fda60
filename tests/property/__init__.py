"""Tests of laws, on examples that Hypothesis finds."""
