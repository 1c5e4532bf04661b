"""Mechanics."""
