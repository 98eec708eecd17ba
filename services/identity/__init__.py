"""Owns clients, their secrets and tokens, the signing keys, and the bindings of people to firms.

Decides who may act and for which firm; announces keys, revocations and suspended principals, from
which every service verifies tokens by itself.
"""
