"""The tests of DMARQ."""
