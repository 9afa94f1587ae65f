"""Made-up Kubernetes audit logs for measurements: as varied and as long as those of a cluster, equal for equal seeds.

Most events are what controllers, kubelets and schedulers do all day: leases renewed, watches opened, objects read and
updated, about 2 KB a line. A share of them is what a person or an attacker does and official rules report.

    python tests/benchmarks/audit_log.py 100000 0.005 audit.jsonl
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

JSON = dict[str, Any]
START = datetime(2026, 3, 1, 6, 0, 0, tzinfo=UTC)
NAMESPACES = ("default", "kube-system", "monitoring", "payments", "shop", "search", "batch", "ingress")
WORKLOADS = ("cart", "checkout", "catalog", "search-api", "mailer", "ledger", "gateway", "recommender", "scheduler")
CONTROLLERS = (
    *("kube-controller-manager", "kube-scheduler", "kube-state-metrics", "prometheus", "coredns", "cluster-autoscaler"),
    *("metrics-server", "node-problem-detector", "csi-provisioner", "endpoint-controller", "replicaset-controller"),
)
SECONDS = 1_000_000
"""Events are this many microseconds apart, divided by what happens in a second."""


class AuditLog:
    """An endless log; ``lines(n)`` is its beginning.

    Args:
        share: Of events that official rules report, 0 to 1.
        seed: Equal seeds give equal logs.
    """

    def __init__(self, share: float, seed: int = 1) -> None:
        self._random = Random(seed)
        self._share = share
        self._nodes = [f"ip-10-{i // 16}-{i % 16}-{17 * i % 251}.eu-central-1.compute.internal" for i in range(60)]
        self._time = START
        self._usual = [
            (30, self._lease),
            (14, self._config_map),
            (12, self._watch),
            (12, self._pod_read),
            (8, self._pod_status),
            (7, self._node_status),
            (6, self._endpoints),
            (4, self._review),
            (3, self._event),
            (2, self._deployment),
            (2, self._health),
        ]
        self._weights = [weight for weight, _ in self._usual]
        self._makers = [make for _, make in self._usual]
        self._reported = [
            *(self._privileged_pod, self._exec, self._secret, self._secret, self._admin_binding, self._wildcard_role),
            *(self._credentials, self._namespace, self._anonymous, self._node_port, self._new_deployment),
        ]

    def lines(self, count: int) -> Iterator[bytes]:
        """The first *count* lines."""
        random = self._random
        for _ in range(count):
            if random.random() < self._share:
                event = random.choice(self._reported)()
            else:
                event = random.choices(self._makers, self._weights)[0]()
            yield json.dumps(event, separators=(",", ":")).encode() + b"\n"

    # ---- pieces -----------------------------------------------------------------------------------------------------

    def _hex(self, length: int) -> str:
        return f"{self._random.getrandbits(length * 4):0{length}x}"

    def _uid(self) -> str:
        return "-".join(self._hex(length) for length in (8, 4, 4, 4, 12))

    def _stamp(self, back_us: int = 0) -> str:
        return (self._time - timedelta(microseconds=back_us)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def _account(self) -> JSON:
        name = self._random.choice(CONTROLLERS)
        namespace = "kube-system" if name.startswith("kube") else self._random.choice(NAMESPACES)
        return {
            "username": f"system:serviceaccount:{namespace}:{name}",
            "uid": self._uid(),
            "groups": ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"],
            "extra": {
                "authentication.kubernetes.io/pod-name": [f"{name}-{self._hex(10)}-{self._hex(5)}"],
                "authentication.kubernetes.io/pod-uid": [self._uid()],
            },
        }

    def _node(self) -> JSON:
        name = self._random.choice(self._nodes)
        return {"username": f"system:node:{name}", "groups": ["system:nodes", "system:authenticated"]}

    def _person(self) -> JSON:
        return {"username": "kubernetes-admin", "groups": ["system:masters", "system:authenticated"]}

    def _audit(
        self, verb: str, uri: str, user: JSON, target: JSON | None, *, code: int = 200, stage: str = "ResponseComplete"
    ) -> JSON:
        self._time += timedelta(microseconds=self._random.randrange(SECONDS // 200))
        event: JSON = {
            "kind": "Event",
            "apiVersion": "audit.k8s.io/v1",
            "level": "RequestResponse" if verb not in {"get", "list", "watch"} else "Metadata",
            "auditID": self._uid(),
            "stage": stage,
            "requestURI": uri,
            "verb": verb,
            "user": user,
            "sourceIPs": [f"10.0.{self._random.randrange(4)}.{self._random.randrange(254)}"],
            "userAgent": f"{user['username'].rpartition(':')[2]}/v1.31.4 (linux/amd64) kubernetes/{self._hex(7)}",
        }
        if target is not None:
            event["objectRef"] = target
        event["responseStatus"] = {"metadata": {}, "code": code}
        event["requestReceivedTimestamp"] = self._stamp(self._random.randrange(20_000))
        event["stageTimestamp"] = self._stamp()
        event["annotations"] = {
            "authorization.k8s.io/decision": "allow" if code < 400 else "forbid",
            "authorization.k8s.io/reason": f'RBAC: allowed by ClusterRoleBinding "{user["username"]}" of ClusterRole',
        }
        return event

    @staticmethod
    def _target(resource: str, namespace: str | None, name: str | None, group: str = "", sub: str = "") -> JSON:
        pairs = {"resource": resource, "namespace": namespace, "name": name, "apiGroup": group or None}
        target = {key: value for key, value in pairs.items() if value is not None}
        target["apiVersion"] = "v1"
        return target | {"subresource": sub} if sub else target

    def _metadata(self, name: str, namespace: str | None, fields: int = 6) -> JSON:
        """Metadata of a stored object, with the bookkeeping that makes real ones long."""
        made: JSON = {
            "name": name,
            "uid": self._uid(),
            "resourceVersion": str(self._random.randrange(10**9)),
            "creationTimestamp": "2026-01-17T09:12:44Z",
            "labels": {
                "app.kubernetes.io/name": name.rpartition("-")[0] or name,
                "app.kubernetes.io/managed-by": "Helm",
                "pod-template-hash": self._hex(10),
            },
            "managedFields": [
                {
                    "manager": self._random.choice(CONTROLLERS),
                    "operation": "Update",
                    "apiVersion": "v1",
                    "time": self._stamp(90_000_000),
                    "fieldsType": "FieldsV1",
                    "fieldsV1": {"f:metadata": {f"f:{self._hex(9)}": {".": {}} for _ in range(fields)}},
                }
            ],
        }
        return made | {"namespace": namespace} if namespace else made

    def _workload(self) -> tuple[str, str]:
        random = self._random
        return random.choice(NAMESPACES), random.choice(WORKLOADS)

    def _pod_spec(self, image: str = "registry.example/app:1.4.2", *, privileged: bool = False) -> JSON:
        mounts = [{"name": f"kube-api-access-{self._hex(5)}", "mountPath": "/var/run/secrets", "readOnly": True}]
        return {
            "containers": [
                {
                    "name": "main",
                    "image": image,
                    "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
                    "env": [{"name": f"SETTING_{i}", "value": self._hex(12)} for i in range(6)],
                    "volumeMounts": mounts,
                    "securityContext": {"privileged": privileged, "runAsNonRoot": not privileged},
                }
            ],
            "serviceAccountName": "default",
            "nodeName": self._random.choice(self._nodes),
            "volumes": [{"name": mounts[0]["name"], "projected": {"defaultMode": 420}}],
        }

    # ---- what a cluster does all day --------------------------------------------------------------------------------

    def _lease(self) -> JSON:
        user = self._node()
        name = user["username"].rpartition(":")[2]
        uri = f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{name}?timeout=10s"
        verb = self._random.choice(("get", "update", "update"))
        event = self._audit(verb, uri, user, self._target("leases", "kube-node-lease", name, "coordination.k8s.io"))
        lease = {
            "kind": "Lease",
            "apiVersion": "coordination.k8s.io/v1",
            "metadata": self._metadata(name, "kube-node-lease", 3),
            "spec": {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": self._stamp()},
        }
        if verb == "update":
            event["requestObject"] = lease
        event["responseObject"] = lease
        return event

    def _config_map(self) -> JSON:
        namespace, name = self._workload()
        verb = self._random.choice(("get", "get", "watch", "update"))
        uri = f"/api/v1/namespaces/{namespace}/configmaps/{name}"
        event = self._audit(verb, uri, self._account(), self._target("configmaps", namespace, name))
        stored = {
            "kind": "ConfigMap",
            "apiVersion": "v1",
            "metadata": self._metadata(name, namespace),
            "data": {f"option-{i}": self._hex(24) for i in range(8)},
        }
        if verb == "update":
            event["requestObject"] = stored
        event["responseObject"] = stored
        return event

    def _watch(self) -> JSON:
        random = self._random
        resource = random.choice(
            ("pods", "services", "endpoints", "nodes", "secrets", "replicasets", "jobs", "ingresses")
        )
        uri = (
            f"/api/v1/{resource}?allowWatchBookmarks=true&fieldSelector=metadata.name%3D{self._hex(8)}"
            f"&resourceVersion={random.randrange(10**9)}&timeout=8m{random.randrange(60)}s&watch=true"
        )
        stage = random.choice(("ResponseStarted", "ResponseComplete"))
        event = self._audit(random.choice(("watch", "list")), uri, self._account(), self._target(resource, None, None))
        event["stage"] = stage
        event["responseObject"] = {
            "kind": "Status",
            "metadata": {"annotations": {f"x/{i}": self._hex(48) for i in range(16)}},
        }
        return event

    def _pod_read(self) -> JSON:
        namespace, workload = self._workload()
        name = f"{workload}-{self._hex(10)}-{self._hex(5)}"
        event = self._audit(
            "get", f"/api/v1/namespaces/{namespace}/pods/{name}", self._node(), self._target("pods", namespace, name)
        )
        event["responseObject"] = {
            "kind": "Pod",
            "apiVersion": "v1",
            "metadata": self._metadata(name, namespace),
            "spec": self._pod_spec(),
        }
        return event

    def _pod_status(self) -> JSON:
        namespace, workload = self._workload()
        name = f"{workload}-{self._hex(10)}-{self._hex(5)}"
        uri = f"/api/v1/namespaces/{namespace}/pods/{name}/status"
        event = self._audit("patch", uri, self._node(), self._target("pods", namespace, name, sub="status"))
        status = {
            "phase": "Running",
            "conditions": [{"type": kind, "status": "True"} for kind in ("Initialized", "Ready", "PodScheduled")],
            "podIP": "10.2.0.17",
        }
        event["requestObject"] = {"metadata": {"uid": self._uid()}, "status": status}
        event["responseObject"] = {"kind": "Pod", "metadata": self._metadata(name, namespace), "spec": self._pod_spec()}
        return event

    def _node_status(self) -> JSON:
        user = self._node()
        name = user["username"].rpartition(":")[2]
        event = self._audit(
            "patch", f"/api/v1/nodes/{name}/status?timeout=10s", user, self._target("nodes", None, name, sub="status")
        )
        images = [{"names": [f"registry.example/app@sha256:{self._hex(64)}"], "sizeBytes": 10**7} for _ in range(9)]
        event["requestObject"] = {"status": {"images": images}}
        event["responseObject"] = {"kind": "Node", "metadata": self._metadata(name, None, 12)}
        return event

    def _endpoints(self) -> JSON:
        namespace, name = self._workload()
        group = "discovery.k8s.io"
        uri = f"/apis/{group}/v1/namespaces/{namespace}/endpointslices/{name}-{self._hex(5)}"
        event = self._audit("update", uri, self._account(), self._target("endpointslices", namespace, name, group))
        addresses = [{"addresses": [f"10.2.3.{i}"], "targetRef": {"kind": "Pod", "uid": self._uid()}} for i in range(9)]
        event["requestObject"] = {"kind": "EndpointSlice", "metadata": self._metadata(name, namespace)}
        event["requestObject"]["endpoints"] = addresses
        return event

    def _review(self) -> JSON:
        group = "authorization.k8s.io"
        target = self._target("subjectaccessreviews", None, None, group)
        event = self._audit("create", f"/apis/{group}/v1/subjectaccessreviews", self._account(), target, code=201)
        spec = {"user": f"system:node:{self._nodes[0]}", "resourceAttributes": {"verb": "get", "resource": "nodes"}}
        event["requestObject"] = {"kind": "SubjectAccessReview", "spec": spec, "metadata": self._metadata("x", None)}
        event["responseObject"] = {"kind": "SubjectAccessReview", "spec": spec, "status": {"allowed": True}}
        return event

    def _event(self) -> JSON:
        namespace, name = self._workload()
        target = self._target("events", namespace, f"{name}.{self._hex(16)}")
        event = self._audit("create", f"/api/v1/namespaces/{namespace}/events", self._node(), target, code=201)
        event["requestObject"] = {
            "kind": "Event",
            "metadata": self._metadata(name, namespace),
            "reason": "Pulled",
            "message": f'Container image "registry.example/{name}@sha256:{self._hex(64)}" already present on machine',
        }
        return event

    def _deployment(self) -> JSON:
        namespace, name = self._workload()
        uri = f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
        verb = self._random.choice(("get", "get", "patch"))
        event = self._audit(verb, uri, self._account(), self._target("deployments", namespace, name, "apps"))
        event["responseObject"] = {
            "kind": "Deployment",
            "metadata": self._metadata(name, namespace),
            "spec": {"replicas": 3, "template": {"spec": self._pod_spec()}},
        }
        return event

    def _health(self) -> JSON:
        user = {"username": "system:anonymous", "groups": ["system:unauthenticated"]}
        return self._audit("get", self._random.choice(("/healthz", "/livez", "/readyz?verbose")), user, None)

    # ---- what official rules report ---------------------------------------------------------------------------------

    def _create(self, resource: str, kind: str, name: str, namespace: str | None, group: str = "", **body: Any) -> JSON:
        place = f"namespaces/{namespace}/" if namespace else ""
        target = self._target(resource, namespace, name, group)
        event = self._audit("create", f"/api/v1/{place}{resource}", self._person(), target, code=201)
        event["requestObject"] = {"kind": kind, "apiVersion": "v1", "metadata": {"name": name}, **body}
        event["responseObject"] = {
            "kind": kind,
            "apiVersion": "v1",
            "metadata": self._metadata(name, namespace),
            **body,
        }
        return event

    def _privileged_pod(self) -> JSON:
        spec = self._pod_spec("registry.example/tools/shell:latest", privileged=True)
        return self._create("pods", "Pod", f"shell-{self._hex(5)}", "default", spec=spec)

    def _exec(self) -> JSON:
        namespace, workload = self._workload()
        name = f"{workload}-{self._hex(10)}-{self._hex(5)}"
        uri = (
            f"/api/v1/namespaces/{namespace}/pods/{name}/exec?command=sh&container=main&stdin=true&stdout=true&tty=true"
        )
        target = self._target("pods", namespace, name, sub="exec")
        return self._audit("create", uri, self._person(), target, code=101, stage="ResponseStarted")

    def _secret(self) -> JSON:
        namespace, workload = self._workload()
        name = f"{workload}-database"
        code = self._random.choice((200, 200, 403))
        uri = f"/api/v1/namespaces/{namespace}/secrets/{name}"
        event = self._audit("get", uri, self._person(), self._target("secrets", namespace, name), code=code)
        event["annotations"]["note"] = self._hex(400)
        return event

    def _admin_binding(self) -> JSON:
        group = "rbac.authorization.k8s.io"
        subjects = [{"kind": "ServiceAccount", "name": "default", "namespace": "shop"}]
        role = {"apiGroup": group, "kind": "ClusterRole", "name": "cluster-admin"}
        name = f"grant-{self._hex(6)}"
        kind = "ClusterRoleBinding"
        return self._create("clusterrolebindings", kind, name, None, group, subjects=subjects, roleRef=role)

    def _wildcard_role(self) -> JSON:
        rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}, {"resources": ["pods"], "verbs": ["get"]}]
        group = "rbac.authorization.k8s.io"
        return self._create("clusterroles", "ClusterRole", f"all-{self._hex(6)}", None, group, rules=rules)

    def _credentials(self) -> JSON:
        namespace, name = self._workload()
        data = {"settings": f"user=app\npassword={self._hex(12)}\n", "padding": self._hex(300)}
        return self._create("configmaps", "ConfigMap", name, namespace, data=data)

    def _namespace(self) -> JSON:
        return self._create("namespaces", "Namespace", f"try-{self._hex(6)}", None)

    def _anonymous(self) -> JSON:
        user = {"username": "system:anonymous", "groups": ["system:unauthenticated"]}
        event = self._audit("list", "/api/v1/namespaces?limit=500", user, self._target("namespaces", None, None))
        event["annotations"]["note"] = self._hex(400)
        return event

    def _node_port(self) -> JSON:
        namespace, name = self._workload()
        ports = [{"name": "http", "port": 80, "nodePort": 30_000 + self._random.randrange(2000), "protocol": "TCP"}]
        spec = {"type": "NodePort", "ports": ports, "selector": {"app": name}}
        return self._create("services", "Service", name, namespace, spec=spec)

    def _new_deployment(self) -> JSON:
        namespace, name = self._workload()
        spec = {"replicas": 2, "template": {"spec": self._pod_spec()}}
        return self._create("deployments", "Deployment", name, namespace, "apps", spec=spec)


def write(path: Path, events: int, share: float, *, seed: int = 1, repeats: int = 1) -> None:
    """Write *events* events, *repeats* times over: time stamps then start again, which costs a reader the same."""
    lines = b"".join(AuditLog(share, seed).lines(events))
    with path.open("wb") as file:
        for _ in range(repeats):
            file.write(lines)


if __name__ == "__main__":
    write(Path(sys.argv[3]), int(sys.argv[1]), float(sys.argv[2]))
