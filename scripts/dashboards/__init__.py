"""Grafana's dashboards, built from Grafana's own types: ``python -m tracehound.scripts.dashboards FOLDER``."""
