"""Pages for people: one module a noun, templates and styles beside them."""
