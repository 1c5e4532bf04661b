"""What the production server adds to granian."""
