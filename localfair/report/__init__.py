"""What the record says: findings of a run, what reviews are worth, and the statistics of both."""
