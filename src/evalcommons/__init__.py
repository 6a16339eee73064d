"""evalcommons: a hub you run yourself, where model scores are reported in the open."""
