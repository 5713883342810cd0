"""Domains: what is sent in their name, what they publish, and whether they may be stricter."""
