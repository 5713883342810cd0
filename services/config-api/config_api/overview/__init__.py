"""The overview: what was reported in a period, and who sent it."""
