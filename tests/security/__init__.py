"""Attacks: one test per weakness. docs/security.md says which weakness of which list is
shown by which test.
"""
