"""What the customer approves, at the counter or by a link."""
