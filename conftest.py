"""How many examples property tests try: few by default, many with ``--hypothesis-profile thorough``.

No profile has a deadline: a slow machine is not a failure.
"""

from hypothesis import HealthCheck, settings

for name, examples in (("fleeting", 5), ("quick", 100), ("thorough", 2000)):
    settings.register_profile(
        name, max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
    )
settings.load_profile("quick")
