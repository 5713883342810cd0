"""Naming and judging of sources: chores behind storing, which no mail waits for."""
