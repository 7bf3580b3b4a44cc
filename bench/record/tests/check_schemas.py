#!/usr/bin/python3
"""check_schemas.py RUN: validates every JSON file of a run directory against reports/schema/, with Debian's jsonschema.

Also proves that the schemas refuse something: each valid document is spoilt in every key once, and the spoilt one must
not be valid."""

import copy
import json
import os
import sys

import jsonschema

ROOT = os.environ["FOX_SOURCE_DIR"]
SPOIL_LINES = 60  # of a ledger: enough to meet every type, and no long test


def validator(name):
    with open(f"{ROOT}/reports/schema/{name}.schema.json", encoding="utf-8") as f:
        schema = json.load(f)
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def explain(error):
    while error.context:  # of the alternatives, the one that came furthest
        error = max(error.context, key=lambda e: (e.validator != "const", len(e.absolute_path)))
    return f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}"


def check(v, document, where, spoil):
    error = next(v.iter_errors(document), None)
    if error:
        sys.exit(f"{where}: {explain(error)}")
    if not spoil:
        return
    spoilt = dict(document, surprise=1)
    if v.is_valid(spoilt):
        sys.exit(f"{where}: the schema takes an unknown key")
    for key in document:
        spoilt = copy.deepcopy(document)
        spoilt[key] = {"wrong": [None]}
        if v.is_valid(spoilt) and key not in ("expected", "actual", "limit", "device", "bench", "settings", "plan"):
            sys.exit(f"{where}: the schema takes anything for {key}")


def main():
    run = os.path.realpath(sys.argv[1])
    documents = 0
    for name in ("run", "plan", "root") if os.path.exists(f"{run}/root.json") else ("run", "plan"):
        with open(f"{run}/{name}.json", encoding="utf-8") as f:
            check(validator(name), json.load(f), f"{name}.json", True)
        documents += 1
    for name, schema in (("events", "event"), ("wall", "wall")):
        v = validator(schema)
        types = set()
        with open(f"{run}/{name}.jsonl", encoding="utf-8") as f:
            for number, line in enumerate(f, 1):
                document = json.loads(line)
                new = document.get("type") not in types
                types.add(document.get("type"))
                check(v, document, f"{name}.jsonl line {number}", new or number < SPOIL_LINES)
                documents += 1
    for folder, _, files in os.walk(f"{run}/cases"):
        for name in ("verdict", "measurements"):
            if f"{name}.json" in files:
                with open(f"{folder}/{name}.json", encoding="utf-8") as f:
                    check(validator(name), json.load(f), f"{folder}/{name}.json", True)
                documents += 1
    print(f"{documents} documents follow their schemas")


main()
