"""The project: settings, the one router, and what every app shares."""

__version__ = "1.1.0"  # the one place; pyproject.toml and the API schema read it
