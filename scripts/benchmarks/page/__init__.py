"""How soon the console's pages are seen in a real browser, with a thousand applications in the store."""
