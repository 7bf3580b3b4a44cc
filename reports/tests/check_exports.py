#!/usr/bin/python3
"""check_exports.py [--key PUBLIC] RUN...: judges what foxbench report --format oscal,sarif,intoto made of a run.

The documents are validated against the published schemas of fixtures/schemas with Debian's jsonschema; what they say
of each test is compared with what this script reads out of plan.json and events.jsonl by itself. With a key the
envelope's signature is checked by openssl. Recordings (*.sigmf-meta) are validated, too."""

import base64
import collections
import functools
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import uuid

import jsonschema

ROOT = os.environ["FOX_SOURCE_DIR"]
ORDER = ["info", "pass", "warn", "inconclusive", "fail", "error"]
KINDS = {
    "pass": ("pass", "none"), "fail": ("fail", "error"), "warn": ("fail", "warning"), "info": ("informational", "none"),
    "inconclusive": ("open", "none"), "notrun": ("open", "none"), "na": ("notApplicable", "none"),
    "error": ("review", "none"), "waived": ("review", "none"),
}


def load(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def spoken(schema):
    """OSCAL's patterns use Unicode classes, which Python's re does not know."""
    if isinstance(schema, dict):
        return {k: v.replace(r"\p{L}", r"[^\W\d_]").replace(r"\p{N}", r"\d") if k == "pattern" and isinstance(v, str)
                else spoken(v) for k, v in schema.items()}
    return [spoken(v) for v in schema] if isinstance(schema, list) else schema


@functools.lru_cache
def validator_of(name, draft):
    schema = spoken(load(f"{ROOT}/fixtures/schemas/{name}"))
    draft.check_schema(schema)
    return draft(schema, format_checker=jsonschema.FormatChecker())


def validate(name, draft, document, where):
    validator = validator_of(name, draft)
    error = next(validator.iter_errors(document), None)
    while error and error.context:
        error = max(error.context, key=lambda e: len(e.absolute_path))
    if error:
        sys.exit(f"{where}: {'/'.join(map(str, error.absolute_path))}: {error.message[:300]}")
    return validator


def same(what, got, expected):
    if got != expected:
        sys.exit(f"{what}: expected {expected}, got {got}")


def verdicts(run):
    """(id, axes) -> verdict of every planned case, by design rather than by foxbench: the worst attempt, of which those
    that the bench or the operator broke off give way to a later one that ended."""
    attempts = collections.defaultdict(dict)
    with open(f"{run}/events.jsonl", encoding="utf-8") as f:
        lines = f.read().split("\n")
    for line in lines[:-1]:
        event = json.loads(line)
        if "case" in event:
            key = (event["case"], event["axes"])
            ended = (event["verdict"], event["blame"]) if event["type"] == "case.end" else None
            attempts[key][event["attempt"]] = ended or attempts[key].get(event["attempt"])
    found = {}
    for case in load(f"{run}/plan.json")["cases"]:
        key = (case["id"], case.get("axes", "_"))
        tried = [attempts[key][n] for n in sorted(attempts[key])]
        kept = [a for i, a in enumerate(tried) if not (
            (a is None or a[0] == "error" and a[1] in ("bench", "operator")) and any(tried[i + 1:]))]
        if not tried:
            found[key] = "na" if case.get("na") else "notrun"
        elif None in kept:
            found[key] = "notrun"
        else:
            found[key] = max((a[0] for a in kept), key=ORDER.index)
    return found


def name_of(key):
    return key[0] if key[1] == "_" else f"{key[0]}/{key[1]}"


def check_sarif(run, found, honest):
    document = load(f"{run}/report/sarif.json")
    validator = validate("sarif-2.1.0.json", jsonschema.Draft4Validator, document, "sarif.json")
    one = document["runs"][0]
    got = {r["properties"]["verdict"] and r["fingerprints"]["foxbenchCase/v1"].split("/", 1)[1]: r
           for r in one["results"]}
    same("sarif.json: results", sorted(got), sorted(map(name_of, found)))
    for key, verdict in found.items():
        r = got[name_of(key)]
        expected = KINDS["error" if verdict == "pass" and not honest else verdict]
        same(f"sarif.json: {name_of(key)}", (r["kind"], r["level"]), expected)
        same(f"sarif.json: rule of {name_of(key)}", one["tool"]["driver"]["rules"][r["ruleIndex"]]["id"], key[0])
    for artifact in one.get("artifacts", []):
        with open(f"{run}/{artifact['location']['uri']}", "rb") as f:
            same(artifact["location"]["uri"], hashlib.sha256(f.read()).hexdigest(), artifact["hashes"]["sha-256"])
    del one["results"][0]["message"]
    if validator.is_valid(document):
        sys.exit("sarif.json: the validator takes a result without a message")


def check_oscal(run, found, honest):
    document = load(f"{run}/report/oscal-ar.json")
    validator = validate("oscal-assessment-results-1.0.6.json", jsonschema.Draft7Validator, document, "oscal-ar.json")
    whole = document["assessment-results"]
    result = whole["results"][0]
    by_control = collections.defaultdict(list)
    for case in load(f"{run}/plan.json")["cases"]:
        for control in case.get("covers", []):
            by_control[control].append(found[(case["id"], case.get("axes", "_"))])
    got = {f["title"]: f["target"]["status"]["state"] for f in result.get("findings", [])}
    for control, all_of_it in by_control.items():
        if {"fail", "warn", "inconclusive"} & set(all_of_it):
            expected = "not-satisfied"
        elif {"error", "notrun", "waived"} & set(all_of_it) or "pass" not in all_of_it or not honest:
            expected = None
        else:
            expected = "satisfied"
        same(f"oscal-ar.json: {control}", got.pop(control, None), expected)
    same("oscal-ar.json: findings of no control", got, {})
    # every reference inside leads somewhere
    report = os.path.basename(os.path.realpath(run))
    own = uuid.uuid5(uuid.NAMESPACE_URL, f"urn:x-foxbench:{report}:oscal:document:")
    same("oscal-ar.json: uuid", whole["uuid"], str(own))
    observed = {o["uuid"] for o in result.get("observations", [])}
    risks = {r["uuid"] for r in result["risks"]}
    for finding in result.get("findings", []):
        if not observed >= {o["observation-uuid"] for o in finding.get("related-observations", [])}:
            sys.exit(f"oscal-ar.json: {finding['title']} names an observation that is not there")
        if not risks >= {r["risk-uuid"] for r in finding.get("related-risks", [])}:
            sys.exit(f"oscal-ar.json: {finding['title']} names a risk that is not there")
    resources = {"#" + r["uuid"] for r in whole["back-matter"]["resources"]}
    if whole["import-ap"]["href"] not in resources:
        sys.exit("oscal-ar.json: import-ap leads nowhere")
    for observation in result.get("observations", []):
        for evidence in observation.get("relevant-evidence", []):
            digest = next(p["value"] for p in evidence["props"] if p["name"] == "sha256")
            with open(os.path.join(run, "report", evidence["href"]), "rb") as f:
                same(evidence["href"], hashlib.sha256(f.read()).hexdigest(), digest)
    del result["reviewed-controls"]
    if validator.is_valid(document):
        sys.exit("oscal-ar.json: the validator takes a result without reviewed-controls")


def check_statement(run, found, honest, finished, plain):
    with open(f"{run}/report/attestation.json", "rb") as f:
        text = f.read()
    statement = json.loads(text)
    same("attestation: type", (statement["_type"], statement["predicateType"]),
         ("https://in-toto.io/Statement/v1", "https://in-toto.io/attestation/test-result/v0.1"))
    with open(f"{run}/report/item.json", "rb") as f:
        digest = hashlib.sha256(f.read()).hexdigest()
    same("attestation: subject", statement["subject"][0]["digest"], {"sha256": digest})
    for descriptor in statement["predicate"]["configuration"]:
        if not {"uri", "digest", "content"} & set(descriptor):
            sys.exit(f"attestation: {descriptor} has neither uri nor digest nor content")
        if "digest" in descriptor:
            with open(f"{run}/{descriptor['name']}", "rb") as f:
                same(descriptor["name"], descriptor["digest"]["sha256"], hashlib.sha256(f.read()).hexdigest())
    lists = {name: statement["predicate"][f"{name}Tests"] for name in ("passed", "warned", "failed")}
    where = {test: name for name, tests in lists.items() for test in tests}
    same("attestation: tests", len(where), sum(map(len, lists.values())))
    same("attestation: tests", set(where), {name_of(k) for k, v in found.items() if v != "na"})
    for key, verdict in found.items():
        if verdict == "na":
            continue
        allowed = {"pass": {"passed" if honest else "warned"}, "info": {"passed" if honest else "warned"},
                   "warn": {"warned"}, "fail": {"failed"}, "error": {"failed"}}
        if where[name_of(key)] not in allowed.get(verdict, {"warned", "failed"}):
            sys.exit(f"attestation: {name_of(key)}, which is {verdict}, is among the {where[name_of(key)]}")
    good = finished and "pass" in found.values() and honest
    if lists["failed"] or not good:
        expected = "FAILED"
    else:
        expected = "PASSED" if plain and not lists["warned"] else "WARNED"
    same("attestation: result", statement["predicate"]["result"], expected)
    return text


def check_envelope(run, text, key):
    path = f"{run}/report/attestation.dsse.json"
    if not key:
        if os.path.exists(path):
            sys.exit("an envelope that nobody asked for")
        return
    envelope = load(path)
    body = base64.b64decode(envelope["payload"], validate=True)
    kind = envelope["payloadType"]
    same("envelope: type", kind, "application/vnd.in-toto+json")
    same("envelope: payload", body, text)
    with tempfile.TemporaryDirectory() as work:
        with open(f"{work}/signed", "wb") as f:
            f.write(f"DSSEv1 {len(kind)} {kind} {len(body)} ".encode() + body)
        with open(f"{work}/sig", "wb") as f:
            f.write(base64.b64decode(envelope["signatures"][0]["sig"], validate=True))
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", key, "-rawin", "-in", f"{work}/signed",
                   "-sigfile", f"{work}/sig"]
        if subprocess.run(command, capture_output=True, check=False).returncode != 0:
            sys.exit("envelope: openssl refuses the signature")
        with open(f"{work}/signed", "ab") as f:
            f.write(b" ")
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            sys.exit("envelope: openssl takes anything")


def check_recordings(run):
    count = 0
    for folder, _, files in os.walk(f"{run}/cases"):
        for name in files:
            if name.endswith(".sigmf-meta"):
                document = load(f"{folder}/{name}")
                validator = validate("sigmf.json", jsonschema.Draft202012Validator, document, name)
                size = os.path.getsize(f"{folder}/{name[:-4]}data")
                same(f"{name}: datatype", document["global"]["core:datatype"], "ci16_le")
                for mark in document["annotations"]:
                    if 4 * (mark["core:sample_start"] + mark["core:sample_count"]) > size:
                        sys.exit(f"{name}: an annotation beyond the samples")
                del document["global"]["core:datatype"]
                if validator.is_valid(document):
                    sys.exit(f"{name}: the validator takes a recording without a datatype")
                count += 1
    return count


def check_run(run, key):
    found, what = verdicts(run), load(f"{run}/run.json")
    honest = not what["substitutes"]
    with open(f"{run}/events.jsonl", encoding="utf-8") as f:
        finished = json.loads(f.read().strip().split("\n")[-1])["type"] == "run.end"
    check_sarif(run, found, honest)
    check_oscal(run, found, honest)
    text = check_statement(run, found, honest, finished, not what["faults"] and not what.get("chaos"))
    check_envelope(run, text, key)
    print(f"{len(found)} cases and {check_recordings(run)} recordings are told as they are")


def main():
    runs, key = sys.argv[1:], None
    if runs[0] == "--key":
        key, runs = runs[1], runs[2:]
    for run in runs:
        check_run(os.path.realpath(run), key)


main()
