"""The evalcommons command: words in, one call, print."""
