"""The SQLite database: one writer thread, its schema and its statements."""
