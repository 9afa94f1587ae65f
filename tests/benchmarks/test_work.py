"""What speed rests on, as counts: no clock, so a dead fast path is seen on any machine."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from falco.conditions.scope import Scope
from falco.conditions.transformers import BUILT_IN
from falco.fields.registry import Fields
from falco.pipeline import evaluate
from falco.rules.loader import RuleLoader
from falco.ruleset import Ruleset
from falco_k8s_audit.decoder import AuditDecoder
from falco_k8s_audit.fields import FIELDS

_SPEC = importlib.util.spec_from_file_location("audit_log", Path(__file__).with_name("audit_log.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
audit_log = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(audit_log)

RULES = """
- macro: done
  condition: ka.stage = ResponseComplete and jevt.rawtime exists
- rule: Secret read
  desc: Made up.
  condition: done and ka.verb = get and ka.target.resource = secrets and ka.response.code startswith 2
  output: "%ka.user.name %ka.target.name"
  priority: ERROR
  source: k8s_audit
- rule: Privileged pod
  desc: Made up.
  condition: >
    done and ka.verb = create and ka.target.resource = pods and not ka.target.subresource exists
    and ka.req.pod.containers.privileged intersects (true)
  output: "%ka.user.name %ka.resp.name"
  priority: WARNING
  source: k8s_audit
- rule: Password in a config map
  desc: Made up.
  condition: done and ka.verb in (create, update, patch) and ka.target.resource = configmaps and ka.req.configmap.obj contains password
  output: "%ka.user.name %ka.target.name"
  priority: WARNING
  source: k8s_audit
- rule: Stranger
  desc: Made up.
  condition: done and not ka.user.name startswith "system:" and not ka.user.name in (kubernetes-admin, admin)
  output: "%ka.user.name"
  priority: WARNING
  source: k8s_audit
- rule: Shell
  desc: Made up.
  condition: ka.stage = ResponseStarted and ka.target.subresource in (exec, attach)
  output: "%ka.user.name %ka.target.name"
  priority: NOTICE
  source: k8s_audit
- rule: Never
  desc: Made up.
  condition: done and jevt.rawtime = 0
  output: never
  priority: DEBUG
  source: k8s_audit
"""


def test_few_events_are_opened_few_keys_missed_and_few_functions_made() -> None:
    loader = RuleLoader({"k8s_audit": Scope("k8s_audit", Fields("k8s_audit", FIELDS), BUILT_IN)})
    result = loader.load("rules.yaml", RULES.encode())
    rules = Ruleset(loader.rules, dispatch=AuditDecoder.dispatch, assume=AuditDecoder.assume, first_only=True)
    decoder = AuditDecoder()
    lines = list(audit_log.AuditLog(0.005).lines(5000))
    alerts = evaluate(decoder, lines, rules)

    assert result.errors == ()
    assert {alert.template.rule for alert in alerts} == {
        *("Secret read", "Privileged pod", "Password in a config map", "Shell")
    }
    assert decoder.count == 5000
    assert decoder.general == 1  # the first event
    assert decoder.decoded_fully <= 0.05 * decoder.count
    assert rules.dispatch_misses == len(rules.table) < 2000
    assert rules.residuals_built <= 6

    again = AuditDecoder()

    assert len(evaluate(again, lines, rules)) == len(alerts)
    assert rules.dispatch_misses == len(rules.table)
