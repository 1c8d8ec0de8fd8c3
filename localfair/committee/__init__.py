"""Who sits at the table, and the one way to ask them anything."""
