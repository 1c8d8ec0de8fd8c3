"""The record: one SQLite file that every stage reads and writes, and nothing else passes between them."""
