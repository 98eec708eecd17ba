"""A package, so that pytest ends its ground with the last of its tests."""
