"""The monthly report of the task board, as it stood on a day."""
