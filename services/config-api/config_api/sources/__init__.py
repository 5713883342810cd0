"""Sources: who sends as a domain, grouped, judged, with what a person said of them."""
