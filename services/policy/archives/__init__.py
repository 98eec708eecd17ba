"""One case, one archive (一案一档): sealed volumes of ended cases, and whether they still are."""
