"""What every table has: base models, the audit trail, triggers, locks, transactions,
Redis.
"""
