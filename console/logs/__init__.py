"""Log events as they were scored, found again by what they are, and the templates of their messages."""
