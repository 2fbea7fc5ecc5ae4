"""Numbers that only this process knows: where names lie in hash tables must not be known to those who choose names."""

import secrets
from typing import Final

SECRET_SEED: Final = secrets.randbits(63)
SECRET_FACTOR: Final = secrets.randbits(63) | 1
"""Odd, so that multiplying by it loses nothing. What is told or stored does not depend on either."""
