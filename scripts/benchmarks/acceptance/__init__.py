"""The verdict of `tracehound check` on labelled recordings: what was told beside the faults that were injected."""
