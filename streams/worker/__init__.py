"""What every long-running process has: its Faust worker, health, logging, vitals."""
