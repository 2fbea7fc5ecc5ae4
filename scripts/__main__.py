"""Makes `python -m scripts` the command `tracehound`."""

from scripts.cli import main

if __name__ == "__main__":
    main(prog_name="tracehound")
