"""Real weights for the exports that are tried on them."""

from tests.models.conftest import real_weights  # noqa: F401
