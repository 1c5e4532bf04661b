"""What is done on a ticket: mechanics, parts, jobs, canned jobs."""
