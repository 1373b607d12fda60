"""The store: SQLite or PostgreSQL behind ``broker.ports.Store``. Row classes and SQL stay in here."""
