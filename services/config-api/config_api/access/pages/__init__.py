"""The pages of signing in, and of who may do what."""
