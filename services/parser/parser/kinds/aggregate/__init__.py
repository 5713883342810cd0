"""The reader of DMARC aggregate reports (RFC 7489 appendix C, RFC 9990); the only place that knows XML.

prologue -> sections -> header and records -> report
               ^ repairing, where the document is not well-formed
"""
