"""What the shop sold, what it is owed, what could still be done. Reading only; each
report runs the same number of queries for any shop.
"""
