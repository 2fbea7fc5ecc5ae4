"""How the house stands: its rooms, its longest file, its tests and how long they take."""
