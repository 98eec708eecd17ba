"""Expert panels (专家评审): who judges which cases by which sheet, blind, and what comes of it."""
