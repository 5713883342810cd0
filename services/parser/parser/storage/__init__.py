"""The store: the ledger, the reports and the outbox, in one transaction."""
