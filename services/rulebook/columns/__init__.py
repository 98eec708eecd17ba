"""The same rules over columns: one form of them, and the engines that read it.

`lowering` turns nodes into whole numbers with bounds, ratios as pairs and conditions in three
values; `frames` reads that as Polars expressions, `spark` as SQL text, and `widths` only looks at
the bounds, so that what may overflow in any engine is refused when a rule is loaded.
"""
