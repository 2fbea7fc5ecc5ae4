"""Arrays and bytes that hold the state of many keys: slots, sorted references, snapshots."""
