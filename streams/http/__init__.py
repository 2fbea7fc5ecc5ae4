"""What everything that answers over HTTP shares: refusals and how they are told, keys, and bounds on connections."""
