"""Output templates: text with fields in it."""
