"""Tests of one port on every adapter it has."""
