"""The ticket itself, in the API and the admin, and the dashboard."""
