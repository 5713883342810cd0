"""The drivers: the only modules that import nats or asyncpg."""
