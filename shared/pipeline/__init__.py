"""What the services share: the words, the events, the streams, and the runtime that moves events between them."""
