"""The commands of ``tracehound``, a file each, and what several of them need."""
