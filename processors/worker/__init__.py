"""The Faust side: what may take long or has effects outside of the log (design §4)."""
