"""Weeks of ordinary life, without and with planted faults: what the detectors say of them."""
