"""What is said to others: events, reports, mailboxes, reasons and limits, and how they look on the wire. Pure."""
