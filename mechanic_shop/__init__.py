"""The project: settings, the one router, and what every app shares."""
