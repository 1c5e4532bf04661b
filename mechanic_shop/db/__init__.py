"""Base models, the audit trail, triggers, locks, transactions, Redis."""
