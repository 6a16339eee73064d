"""The door for requests: HTTP in, one service call, HTTP out."""
