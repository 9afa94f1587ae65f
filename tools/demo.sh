#!/usr/bin/env bash
# What `make demo` shows; run from the root of the tree, BIN is where `falco` is.
set -euo pipefail
BIN=${BIN:-.venv/bin}

if [ -t 1 ]; then bold=$'\033[1m' plain=$'\033[0m'; else bold='' plain=''; fi
say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }

say "1. An audit log: $(wc -l <examples/audit.jsonl | tr -d ' ') requests to a Kubernetes API server, one JSON object a line."
echo "   Most are what a cluster says all day. Somewhere among them an account is taken over."
head -n 2 examples/audit.jsonl | cut -c 1-110 | sed 's/$/…/'

say "2. The default rules look at it, as examples/falco.yaml says: events in, rules over them, alerts out."
echo '$ falco -c examples/falco.yaml'
"$BIN/falco" -c examples/falco.yaml

say "3. The rule behind the fourth alert, and where rules come from: rules/k8s_audit_rules.yaml."
grep -A 9 'rule: Cluster Admin Granted' rules/k8s_audit_rules.yaml

say "Next"
echo "   . .venv/bin/activate       put falco on the path"
echo "   falco scan FILE            look at an audit log of your own, or a capture (.scap) of system calls"
echo "   falco validate rules.yaml  find every mistake in a rules file at once, with its line"
echo "   docs/tutorial/             first alerts, first rule, first plugin"
