"""Cases of earlier years (历史办件): imported with their documents, counted, told to finance."""
