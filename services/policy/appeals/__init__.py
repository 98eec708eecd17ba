"""行政复议 and 行政诉讼 against decisions: what was lodged where, how it went, and what follows."""
