"""How often executions fail, and with which types of error."""
