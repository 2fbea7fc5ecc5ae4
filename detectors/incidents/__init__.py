"""From anomalies to incidents: grouped, followed through their lives, judged and explained; free of I/O."""
