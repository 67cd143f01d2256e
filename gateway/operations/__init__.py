"""For those who run it: health, readiness, metrics and the pages of documentation."""
