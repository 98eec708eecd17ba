"""双随机 checks: cases and inspectors drawn by a seed that nobody knew when the list was frozen."""
