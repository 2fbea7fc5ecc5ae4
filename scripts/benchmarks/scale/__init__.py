"""Cost, memory and restart by the number of operations, segments and workers."""
