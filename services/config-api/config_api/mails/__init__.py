"""The ledger: every email with its outcome, and the whole way of one email."""
