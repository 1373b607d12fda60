"""The HTTP API: declared endpoints, the door every request passes, problems for everything that is refused."""
