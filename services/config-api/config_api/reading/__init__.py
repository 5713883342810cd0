"""What is asked of the database and of the dead letters; read only, but for retrying and discarding."""
