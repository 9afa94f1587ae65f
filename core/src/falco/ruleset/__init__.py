"""Rulesets: rules compiled to functions, and the dispatch on cheap fields."""
