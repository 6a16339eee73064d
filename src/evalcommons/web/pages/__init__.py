"""Pages for people, one module a noun."""
