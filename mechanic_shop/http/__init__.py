"""What every app's API shares, and nothing of any app."""
