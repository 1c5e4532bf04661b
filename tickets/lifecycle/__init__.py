"""How a ticket moves: workflow, locks, stock that follows, permissions."""
