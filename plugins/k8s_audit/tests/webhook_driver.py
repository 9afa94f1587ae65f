"""A webhook in a process of its own, driven by lines on standard input; see test_webhook.py.

``take`` prints what the next batches hold until one does, ``idle`` the next batch, ``close`` closes, ``rest`` prints all
that is left, ``counters`` what was refused. The first line printed is the port, or the error.
"""

import json
import sys

import msgspec

from falco.errors import FalcoError
from falco_k8s_audit.config import Config
from falco_k8s_audit.source import AuditSource


def say(value):
    print(json.dumps(value), flush=True)


def main():
    open_params, config = sys.argv[1:]
    sentences = []
    try:
        source = AuditSource(msgspec.json.decode(config, type=Config), open_params)
        source.report = sentences.append
        batches = source.batches()
        next(batches)
    except FalcoError as error:
        say({"error": str(error)})
        return
    say({"port": source.transport.port})
    for command in map(str.strip, sys.stdin):
        match command:
            case "take":
                while not (batch := next(batches)):
                    pass
                say([record.decode("latin-1") for record in batch])
            case "idle":
                say(len(next(batches)))
            case "close":
                source.close()
                say("closed")
            case "rest":
                say([record.decode("latin-1") for batch in batches for record in batch])
            case "counters":
                say([dict(source.counters()), sentences])
    source.close()
    batches.close()


main()
