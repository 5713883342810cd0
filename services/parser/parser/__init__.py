"""Reads documents, stores reports, and says what becomes of the mail."""
