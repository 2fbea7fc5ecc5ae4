"""The console as assistants ask it: a server of the Model Context Protocol over its API."""
