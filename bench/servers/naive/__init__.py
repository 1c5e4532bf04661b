"""The tables of drf_naive.py, as a Django app."""
