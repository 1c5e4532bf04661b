"""What every page of the admin shares; knows no app."""
