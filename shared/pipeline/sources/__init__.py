"""Who sends in a domain's name: naming a source, judging it, and whether a domain may go to a stricter policy."""
