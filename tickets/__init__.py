"""Service tickets: who works on them, what goes into them, and how they move."""
