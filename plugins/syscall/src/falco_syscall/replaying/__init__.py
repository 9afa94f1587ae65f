"""Replay in columns: a chunk is read, prepared without the state, and gone through in order with it.

    reading ─▶ preparing (operations, chosen by wants) ─▶ replay (interest: what is left of the rules)

Up to `preparing` it may happen in another process: `ahead` starts it, `slots` are the memory between them. Nothing is
exported here: the modules bring numpy along, which takes longer to import than a short run takes altogether.
"""
