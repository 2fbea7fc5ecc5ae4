"""What was seen of alerts and dashboards on real servers of Prometheus."""
