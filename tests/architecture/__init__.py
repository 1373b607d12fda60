"""Tests of the house itself: who imports whom, what lies where, what is shipped."""
