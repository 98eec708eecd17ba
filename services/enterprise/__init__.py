"""The register of firms: what is known of each, stated once by whom it belongs to.

Owns firms with their profiles, yearly and dated facts, recognitions and the versions of lists.
Decides what may be stated by whom, and which of several statements counts. Announces the whole
current state of a firm after every change (`FirmChanged`) and each version of a list
(`ListPublished`). Whether a firm is entitled to anything is decided elsewhere.
"""
