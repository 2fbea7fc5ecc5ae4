"""What the console takes: its reader, its answers on both engines, and Datasette on the same file."""
