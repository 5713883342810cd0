"""Acting on emails: commands are done in the mailbox, tried again where the server refuses, and reported."""
