-- Who passes for a domain is looked up for each source of the same service: few of a domain's sources do.
CREATE INDEX source_verdict_sender ON source_verdict (domain, source_ip)
WHERE passed > 0 AND 5 * passed::numeric >= messages;
