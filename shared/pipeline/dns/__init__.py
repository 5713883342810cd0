"""What a domain publishes in DNS about its mail. Asked by fetchers and `dmarq doctor`; never by whoever serves a page.

survey ── resolver ── DNS
   └───── dmarc, spf, keys, organisation (pure)
"""
