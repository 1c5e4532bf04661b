"""Faster ways through Django for reads; README.md lists what they rest on."""
