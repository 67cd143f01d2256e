"""The HTTP front door: one module per resource, sign-in, live streams, problem documents."""
