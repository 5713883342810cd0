"""The digest: what a day or a week brought, against the one before, also when it brought nothing."""
