"""Photos that people send: from the form in their hands to a clean picture that is ours."""
