"""The fast path of huge reports, behind one function: `reader.fast_records` gives what `PlainRecords` would.

Records that look as records did before are read from the text without a tree, others by the positions of their texts.
"""
