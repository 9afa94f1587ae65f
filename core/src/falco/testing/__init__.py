"""The kit for authors of plugins and rules."""
