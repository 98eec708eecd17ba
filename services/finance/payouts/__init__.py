"""Payment batches: one document, many awards; prepared by one treasurer, checked by another."""
