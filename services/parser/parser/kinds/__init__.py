"""The kinds of report, one package each, and the registry that knows them."""
