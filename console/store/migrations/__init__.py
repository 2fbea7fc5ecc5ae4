"""From one version's tables to the next: Alembic's revisions, run at every start.

A revision names the one before it. Where two were written at the same time after the same one, both are run.
``python -m tracehound.console.store.migrations "what it is for"`` writes the next one from the difference between the
tables and what the revisions make; read it, and add what it cannot know (triggers, other dialects, data).
"""
