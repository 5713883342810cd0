"""Faults injected into the whole system under load, and the audit of what is left: `make chaos`.

A fault strikes a site: real servers and real services, with a wire (a proxy that can be cut, stalled and listened to)
between each service and each server. Mails arrive all the while. When everything is done, the audit counts what was
lost and what was doubled.
"""
