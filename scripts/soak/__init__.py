"""Workers under faults: what is done to them, and the proof that nothing was lost and nothing learned twice."""
