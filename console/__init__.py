"""The console: what tracehound told, kept in a database and served over HTTP; a projection of topics and no more.

One folder for each kind of thing that people ask for (``anomalies``, ``incidents``, ``applications``, …), with its
queries and endpoints together; below them ``store`` (tables, migrations, the reader of topics) and ``web`` (what all
endpoints share).
"""
