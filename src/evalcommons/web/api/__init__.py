"""The Hub's API and our own, one module a noun."""
