"""The base of every app's API; imports no app."""
