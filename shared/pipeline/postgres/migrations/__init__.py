"""The schema's history: numbered SQL files, each applied once (see `pipeline.postgres.migrate`)."""
