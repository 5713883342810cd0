"""PostgreSQL: connections, migrations and named statements."""
