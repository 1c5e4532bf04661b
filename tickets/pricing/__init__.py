"""What work costs: pure functions, and the shop's rules that they follow."""
