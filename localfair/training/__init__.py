"""The training itself: weights in memory, batches, soft labels, the loop, checkpoints. The store is not known here."""
