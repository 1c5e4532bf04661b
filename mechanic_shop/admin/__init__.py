"""The door for shop staff: what every admin page of the shop shares. Knows no app."""
