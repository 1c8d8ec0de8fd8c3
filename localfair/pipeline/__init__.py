"""What the user orders and what becomes of it: runs, plans, benches, budgets and comparisons."""
