"""OpenID providers for tests: a program that others use, and one of our own that says what it should not."""
