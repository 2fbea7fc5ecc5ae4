"""Names in what is told: ids that follow from content, and what is called by a name for all others."""

from hashlib import blake2b

OTHER_OPERATIONS = "(other operations)"
"""The operation that all those share which came after the limit of operations per application."""
OTHER_PEERS = "(other services)"
"""The peer that all those share which came after the limit of peers per application."""
OTHER_QUEUES = "(other queues)"
"""The same of queues."""


def identity(*content: str) -> str:
    """32 hexadecimal digits that follow from ``content``."""
    return blake2b("\0".join(content).encode(), digest_size=16).hexdigest()
