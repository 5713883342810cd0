"""Dead letters: what failed and why; retried or discarded."""
