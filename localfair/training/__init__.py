"""The training itself: lessons to tokens, batches, losses, soft labels, the loop, checkpoints.

Reads folders of weights and lessons that are handed over. Knows nothing of the store.
"""
