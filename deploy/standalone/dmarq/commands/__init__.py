"""The subcommands of `dmarq`, one file each."""
