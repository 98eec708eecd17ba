"""The whole life of a case as one table, and the page and diagram that are made from it."""
