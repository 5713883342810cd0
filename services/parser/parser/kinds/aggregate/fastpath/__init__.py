"""The fast path of huge reports: records that look as records did before are read from the text, without a tree."""
