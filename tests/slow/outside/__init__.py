"""Programs that other environments run on what localfair exported; they know nothing of localfair."""
