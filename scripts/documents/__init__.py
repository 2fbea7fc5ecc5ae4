"""Parts of README and docs that are generated from the code and from measured figures, and the files of these."""
