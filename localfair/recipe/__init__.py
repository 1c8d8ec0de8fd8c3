"""Recipes: their schema, how a file becomes one, and what is wrong with it."""
