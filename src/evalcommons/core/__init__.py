"""Rules and values: no files, no network, no clock."""
