"""DMARQ on one machine: the `dmarq` command, the embedded servers it needs, and the sample mails of its demo."""
