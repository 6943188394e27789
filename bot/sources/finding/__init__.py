"""Which feed a page has: by its address, by what it says of itself, by looking at the usual places."""
