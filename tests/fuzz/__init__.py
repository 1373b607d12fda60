"""Fuzzing: mutated inputs by the million to everything that reads what came from outside."""
