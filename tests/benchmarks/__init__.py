"""Measurements on real models, side by side; nothing here is collected by pytest. See README.md."""
