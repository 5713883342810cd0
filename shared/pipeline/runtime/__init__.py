"""The runtime that every service shares: it takes events, has them handled, and confirms before it acknowledges."""
