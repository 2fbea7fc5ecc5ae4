"""Search: what there is of a word, whichever kind of thing it is."""
