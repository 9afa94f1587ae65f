"""What the plugin registers, and an event and a rule of 2019 that work as they were printed."""

import json

from falco.conditions.scope import Scope
from falco.conditions.transformers import BUILT_IN
from falco.fields import evt
from falco.fields.registry import Fields
from falco.pipeline import evaluate
from falco.rules.loader import RuleLoader
from falco.ruleset import Ruleset
from falco_k8s_audit import plugin
from falco_k8s_audit.decoder import AuditDecoder
from falco_k8s_audit.source import AuditSource

# An event in the form of the first audit rules' announcement: its time is under the key timestamp.
_EVENT = {
    "kind": "Event",
    "timestamp": "2018-10-26T13:00:25Z",
    "stage": "ResponseComplete",
    "verb": "update",
    "requestURI": "/api/v1/namespaces/foo/configmaps/settings",
    "user": {"username": "minikube-user"},
    "responseStatus": {"code": 200},
    "objectRef": {"resource": "configmaps", "namespace": "foo", "name": "settings"},
    "level": "Request",
    "auditID": "693f4726-2430-450a-83e1-123c050fde98",
    "annotations": {"authorization.k8s.io/decision": "allow"},
    "requestObject": {"data": {"aws": "aws_access_key_id = MINE"}},
}
_RULES = b"""
- macro: contains_private_credentials
  condition: >
    (ka.req.configmap.obj contains "aws_access_key_id" or
     ka.req.configmap.obj contains "aws_s3_access_key_id" or
     ka.req.configmap.obj contains "password")

- macro: configmap
  condition: ka.target.resource=configmaps

- macro: modify
  condition: (ka.verb in (create,update,patch))

- rule: Create/Modify Configmap With Private Credentials
  desc: A config map holds a credential.
  condition: configmap and modify and contains_private_credentials
  output: Credential in a config map (user=%ka.user.name verb=%ka.verb name=%ka.req.configmap.name time=%jevt.time.iso8601)
  priority: WARNING
  source: k8s_audit
  tags: [k8s]
"""


def test_it_stands_for_two_plugins_of_falco():
    info = plugin.falco_plugin_info()

    assert info.name == "k8s_audit"
    assert info.provides == {"k8saudit": "0.18.0", "json": "0.7.4"}


def test_it_registers_its_source_its_decoder_and_its_fields():
    assert list(plugin.falco_register_sources()) == [AuditSource]
    assert list(plugin.falco_register_decoders()) == [AuditDecoder]
    assert len(tuple(plugin.falco_register_fields("k8s_audit"))) == 108
    assert tuple(plugin.falco_register_fields("syscall")) == ()


def test_the_first_audit_rules_and_events_work():
    fields = (*plugin.falco_register_fields("k8s_audit"), *evt.fields(source="k8s_audit", hostname="h"))
    loader = RuleLoader({"k8s_audit": Scope("k8s_audit", Fields("k8s_audit", fields), BUILT_IN)})
    result = loader.load("rules.yaml", _RULES)
    decoder = AuditDecoder()
    rules = Ruleset(loader.rules, dispatch=decoder.dispatch, assume=decoder.assume, first_only=True)
    harmless = {**_EVENT, "verb": "get"}
    lines = [json.dumps(e).encode() for e in (harmless, _EVENT, {**_EVENT, "requestObject": {"data": {"a": "b"}}})]
    alerts = evaluate(decoder, lines, rules)

    assert result.is_successful
    assert [alert.num for alert in alerts] == [2]
    assert alerts[0].time_ns == 1_540_558_825_000_000_000
    assert list(alerts[0].values)[:3] == ["minikube-user", "update", "settings"]
