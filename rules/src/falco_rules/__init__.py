"""The default rules."""
