"""Measurements that anyone can repeat: contenders, workload and reports."""
