"""Dead letters: records that could not be used, shown, and sent again to where they came from."""
