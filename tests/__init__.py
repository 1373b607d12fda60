"""Tests: unit, property, contract, vectors, integration, end to end, architecture, and the benchmarks."""
