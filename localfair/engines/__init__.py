"""Engines behind one seam, a file each; `base` says what an engine is and opens the one asked for."""
