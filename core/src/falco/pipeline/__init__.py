"""The pipeline: source, decoder, ruleset and outputs wired together."""

from falco.pipeline.jobs import JobsResult, run_jobs
from falco.pipeline.pipeline import Emitter, Pipeline, evaluate

__all__ = ["Emitter", "JobsResult", "Pipeline", "evaluate", "run_jobs"]
