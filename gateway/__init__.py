"""The HTTP front door: a folder per topic; `app` lists the routes, `main` wires the process."""
