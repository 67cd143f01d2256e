"""The contract: what routes promise, the shapes they answer with, and `openapi.json` made of it."""
