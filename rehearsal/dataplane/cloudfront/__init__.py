"""CloudFront's body: a TLS front that does what the distributions of the emulated account say, and nothing
else.
"""
