"""The console's API as commands and assistants ask it."""
