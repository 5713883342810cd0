"""The header of a mail as strangers write it: fields, encoded words, addresses, dates, parameters, multiparts. Pure.

Every reader here looks at a bounded piece of its input and cuts before it reads. None is recursive, each takes time in
proportion to the bytes that it looks at, and none raises. The standard library's readers of addresses, encoded words
and parameters are recursive or quadratic, so a stranger's text does not reach them.
"""
