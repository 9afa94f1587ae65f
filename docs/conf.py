"""Sphinx: `make docs` builds with warnings as errors."""

project = "Falco in Python"
author = "The Falco in Python maintainers"
copyright = "The Falco in Python maintainers"  # noqa: A001  Sphinx's name
extensions = ["myst_parser"]
exclude_patterns = ["_build"]
html_theme = "furo"
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
suppress_warnings = ["misc.highlighting_failure"]  # transcripts hold an ellipsis where output varies
