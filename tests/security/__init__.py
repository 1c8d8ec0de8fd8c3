"""What files, models, servers and texts may never do, and how far texts still can."""
