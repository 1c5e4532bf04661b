"""The demo garage: made-up data that looks like a real shop's."""
