"""The training itself: weights in memory, batches, soft labels, the loop, checkpoints. It knows nothing of the store."""
