"""Estimates, invoices, credit notes, payments and their documents."""
