"""All detectors of an application together, and which of them run."""
