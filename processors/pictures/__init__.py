"""What is made of a picture besides the picture: previews, fingerprints, notes in the file."""
