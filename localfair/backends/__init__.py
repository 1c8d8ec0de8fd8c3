"""Engines behind one seam; `open_backend(name, model)` imports only the one asked for."""

from localfair.backends.base import CONSTRAINING, ENGINES, Backend, Scorer, installed, open_backend

__all__ = ["CONSTRAINING", "ENGINES", "Backend", "Scorer", "installed", "open_backend"]
