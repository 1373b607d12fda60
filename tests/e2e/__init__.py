"""Tests of whole processes: the product as its users meet it."""
