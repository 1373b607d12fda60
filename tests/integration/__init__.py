"""Tests that call a whole broker."""
