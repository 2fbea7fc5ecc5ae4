"""Makes ``python -m tracehound`` the command ``tracehound``."""

from tracehound.scripts.cli import main

if __name__ == "__main__":
    main(prog_name="tracehound")
