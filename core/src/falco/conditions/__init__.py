"""Conditions: from text to something that can be evaluated."""
