"""Published vectors, read in place beside the project."""
