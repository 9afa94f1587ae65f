"""Rules: from files to what is evaluated."""
