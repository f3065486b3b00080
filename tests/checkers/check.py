"""Runs one checker on templates. Silent when each finding has a suppression and each suppression has a finding.

check.py CHECKER SUPPRESSIONS TEMPLATE...
"""

import collections
import fnmatch
import json
import pathlib
import platform
import subprocess
import sys

import yaml

HOME = pathlib.Path(sys.prefix)
GUARD = HOME / "guard"
Finding = collections.namedtuple("Finding", "template rule resource says")


def checkov(templates):
    command = [sys.executable, HOME / "bin/checkov", "--framework", "cloudformation", "--skip-download", "--compact", "--output", "json"]
    for template in templates:
        command += ["--file", template]
    results = run(command)
    results = results if isinstance(results, list) else [results]
    if sum(result["summary"]["passed"] + result["summary"]["failed"] for result in results) == 0:
        sys.exit("checkov checked nothing")
    if any(result["summary"]["parsing_errors"] for result in results):
        sys.exit("checkov could not read a template")
    for result in results:
        for check in result["results"]["failed_checks"]:
            template = pathlib.Path(check["file_path"]).name
            yield Finding(template, check["check_id"], check["resource"].rpartition(".")[2], check["check_name"])


def cloudformation_validate(templates):
    from cloudformation_validate import CompositeEngine, PseudoParameterOverrides, ReportStatus, ValidateConfig

    engine = CompositeEngine()
    config = ValidateConfig(pseudo_parameter_overrides=PseudoParameterOverrides(region="us-east-1"))
    for template in templates:
        report = engine.validate_template(str(template), config)
        for found in report.diagnostics:
            resource = found.entity.logical_id if found.entity else "-"
            yield Finding(template.name, found.rule_id, resource, found.message)
        if report.status != ReportStatus.OK:
            sys.exit(f"cloudformation-validate did not come to the end of {template}: {report.status.name}")


def cfn_guard(templates):
    system = "macos" if platform.system() == "Darwin" else "ubuntu"
    machine = "aarch64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
    binary = GUARD / "package/bin" / system / machine / "cfn-guard"
    rules = [GUARD / "package/rules", GUARD / "awslabs/aws_iac_mcp_server/data/default_guard_rules.guard"]
    for template in templates:
        for source in rules:
            command = [binary, "validate", "--rules", source, "--data", template, "--structured", "--show-summary", "none"]
            reports = run(command + ["--output-format", "json"])
            for report in reports:
                for broken in report["not_compliant"]:
                    rule = broken["Rule"]
                    paths = set(of_key(rule, "path"))
                    resources = sorted({path.split("/")[2] for path in paths if path.startswith("/Resources/")})
                    said = next((text.strip() for text in of_key(rule, "custom_message") if text and text.strip()), "")
                    for resource in resources or ["-"]:
                        yield Finding(template.name, rule["name"], resource, " ".join(said.split()))
                if not report["not_compliant"] and not report["compliant"] and not report["not_applicable"]:
                    sys.exit(f"cfn-guard applied no rule to {template}")


def of_key(value, key):
    if isinstance(value, dict):
        if key in value and isinstance(value[key], str):
            yield value[key]
        for inner in value.values():
            yield from of_key(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from of_key(inner, key)


def run(command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    try:
        return json.loads(done.stdout)
    except ValueError:
        sys.exit(f"{command[0]} exited {done.returncode} and said\n{done.stdout}{done.stderr}")


CHECKERS = {"checkov": checkov, "cloudformation-validate": cloudformation_validate, "cfn-guard": cfn_guard}


def covers(suppression, finding):
    named = suppression["resources"]
    place = f"{finding.template}/{finding.resource}"
    return suppression["rule"] == finding.rule and any(fnmatch.fnmatchcase(place, name) for name in named)


def main(checker, suppressions, *templates):
    suppressions = yaml.safe_load(pathlib.Path(suppressions).read_text())[checker] or []
    suppressions = [
        {"rule": rule, "resources": entry["resources"], "reason": entry["reason"]} for entry in suppressions for rule in entry["rules"]
    ]
    findings = sorted(set(CHECKERS[checker]([pathlib.Path(template) for template in templates])))
    open_findings = [finding for finding in findings if not any(covers(one, finding) for one in suppressions)]
    for finding in open_findings:
        print(f"{finding.template}: {finding.resource}: {finding.rule}: {finding.says}")
    stale = [
        f"{checker}: {one['rule']} on {name}: the suppression is no longer needed"
        for one in suppressions
        for name in one["resources"]
        if not any(covers({"rule": one["rule"], "resources": [name]}, finding) for finding in findings)
    ]
    stale += [f"{checker}: {one['rule']}: the suppression has no reason" for one in suppressions if not one["reason"].strip()]
    print("\n".join(stale), end="\n" if stale else "")
    return 1 if open_findings or stale else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
