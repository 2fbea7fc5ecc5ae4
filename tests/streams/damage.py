"""Files that are not what was written: pages of random bytes or zeros, bits that flipped, an end that is missing."""

import random
from pathlib import Path

_PAGE = 4_096


def damage(path: Path, draw: random.Random) -> str:
    """Change one thing somewhere in the file, and say what."""
    content = bytearray(path.read_bytes())
    page = draw.randrange(len(content) // _PAGE)
    begin, end = page * _PAGE, (page + 1) * _PAGE
    what = draw.choice(("noise", "zeros", "flips", "cut", "swap"))
    if what == "noise":
        content[begin:end] = draw.randbytes(_PAGE)
    elif what == "zeros":
        content[begin:end] = bytes(_PAGE)
    elif what == "flips":
        for _ in range(20):
            content[draw.randrange(begin, end)] ^= 1 << draw.randrange(8)
    elif what == "cut":
        del content[draw.randrange(begin, end) :]
    else:
        other = draw.randrange(len(content) // _PAGE) * _PAGE
        content[begin:end], content[other : other + _PAGE] = content[other : other + _PAGE], content[begin:end]
    path.write_bytes(content)
    return f"{what} at page {page}"
