"""All SQL, one module a noun; `engine.Index` opens it."""
