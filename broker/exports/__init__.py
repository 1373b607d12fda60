"""Exports: what is written about a person as files that other software reads."""
