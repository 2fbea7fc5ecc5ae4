"""What is kept: tables, their migrations, the reader that fills them from the output topics, and retention.

``engine.py`` opens a database by its URL, ``tables/`` says what is in it, ``migrations/`` makes it so, ``reader/``
fills it, ``retention.py`` keeps it within bounds.
"""
