"""The supply chain: what is locked, whether it is known to be vulnerable, under which licence."""
