"""The servers that Pixelpop starts itself where none is configured."""
