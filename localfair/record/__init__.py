"""The record: one SQLite file.

Every stage reads and writes it; nothing else passes between them.
"""
