"""What is kept: tables, their migrations, and the reader that fills them from the output topics."""
