"""A data directory as one file, and back: made in full or not at all, encrypted on demand."""
