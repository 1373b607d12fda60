"""Migrations: the schema of broker and log, moved forward one revision at a time.

A revision works while the previous release is still running.
"""
