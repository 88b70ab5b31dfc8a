#!/usr/bin/env python3
"""Runs the templates of tests/fixtures/simulator through moto and MiniStack and lists where they answer otherwise.

    tests/checks/simulators.py            writes docs/simulator-comparison.md
    tests/checks/simulators.py --check    fails when the page would change

The first run makes two virtual environments in target/simulators with pip (PyPI), then nothing needs the network: moto
runs inside a process, MiniStack as a server on the loopback. About two minutes. What ours answers is in cases.yaml, which
a test of attini-local holds it to. Reasons stand in simulator-reasons.json, the first one whose name
matches counts.
"""

import fnmatch
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "target" / "simulators"
FIXTURES = ROOT / "tests" / "fixtures" / "simulator"
PAGE = ROOT / "docs" / "simulator-comparison.md"
REASONS = Path(__file__).with_name("simulator-reasons.json")
VERSIONS = {"moto": "5.2.5", "MiniStack": "1.5.33"}
REGION = "eu-west-1"
WAIT_SECONDS = 15


def prepare():
    """Makes the environments that are missing and returns their Python programs."""
    wanted = {
        "venv": [f"moto[cloudformation]=={VERSIONS['moto']}", "boto3", "pyyaml"],
        "venv-ministack": [f"ministack=={VERSIONS['MiniStack']}"],
    }
    for name, packages in wanted.items():
        python = WORK / name / "bin" / "python"
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", WORK / name], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *packages], check=True)
    return WORK / "venv" / "bin" / "python", WORK / "venv-ministack" / "bin" / "ministack"


def environment(**more):
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    fake = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}
    return {**kept, **fake, "AWS_EC2_METADATA_DISABLED": "true", "MOTO_ACCOUNT_ID": "000000000000", **more}


def start_ministack(program):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = open(WORK / "ministack.log", "w")
    more = {"GATEWAY_PORT": str(port), "MINISTACK_REGION": REGION, "TMPDIR": str(WORK)}
    server = subprocess.Popen([program], env=environment(**more), stdout=log, stderr=log, cwd=WORK)
    address = f"http://127.0.0.1:{port}"
    for _ in range(150):
        try:
            urllib.request.urlopen(address + "/_ministack/health", timeout=2).read()
            return server, address
        except OSError:
            time.sleep(0.2)
    server.kill()
    raise SystemExit(f"MiniStack does not answer at {address}; see {log.name}")


def create(client, name, **more):
    """Returns the stack as it is in the end."""
    import botocore.exceptions

    client.create_stack(StackName=name, Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"], **more)
    until = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            stack = client.describe_stacks(StackName=name)["Stacks"][0]
        except botocore.exceptions.ClientError as error:
            return {"StackStatus": "GONE", "StackStatusReason": str(error)}
        if not stack["StackStatus"].endswith("_IN_PROGRESS") or time.monotonic() > until:
            return stack
        time.sleep(0.05)


def reason_of(client, name):
    events = client.describe_stack_events(StackName=name)["StackEvents"]
    failed = [e for e in reversed(events) if e["ResourceStatus"].endswith("_FAILED") and e.get("ResourceStatusReason")]
    return failed[0]["ResourceStatusReason"] if failed else ""


def answer(case, endpoint):
    """Returns what a simulator makes of a case: outputs and resources, or why not."""
    import boto3

    client = boto3.client("cloudformation", region_name=REGION, endpoint_url=endpoint)
    store = boto3.client("ssm", region_name=REGION, endpoint_url=endpoint)
    try:
        for key, value in case.get("ssm", {}).items():
            store.put_parameter(Name=key, Value=value, Type="String", Overwrite=True)
        if case.get("exports"):
            outputs = {f"O{n}": {"Value": v, "Export": {"Name": k}} for n, (k, v) in enumerate(case["exports"].items())}
            template = {"Resources": {"T": {"Type": "AWS::SNS::Topic"}}, "Outputs": outputs}
            create(client, "other", TemplateBody=json.dumps(template))
        parameters = [{"ParameterKey": k, "ParameterValue": v} for k, v in case.get("parameters", {}).items()]
        body = (FIXTURES / case["template"]).read_text()
        stack = create(client, "fixture", TemplateBody=body, Parameters=parameters)
        if stack["StackStatus"] != "CREATE_COMPLETE":
            reason = stack.get("StackStatusReason") or reason_of(client, "fixture")
            return {"refused": f"{stack['StackStatus']}: {reason}"}
        resources = client.describe_stack_resources(StackName="fixture")["StackResources"]
        return {
            "resources": sorted(resource["LogicalResourceId"] for resource in resources),
            "outputs": {o["OutputKey"]: str(o.get("OutputValue")) for o in stack.get("Outputs", [])},
        }
    except Exception as error:  # Whatever a simulator answers is its answer.
        return {"refused": f"{type(error).__name__}: {error}"}


def inside(endpoint):
    """Runs in moto's environment: all cases against moto, or against a server."""
    import yaml

    cases = yaml.safe_load((FIXTURES / "cases.yaml").read_text())
    found = []
    for case in cases:
        if endpoint:
            urllib.request.urlopen(urllib.request.Request(endpoint + "/_ministack/reset", method="POST"), timeout=30)
            found.append(answer(case, endpoint))
        else:
            import moto

            with moto.mock_aws():
                found.append(answer(case, None))
    json.dump([{"case": case, "answer": one} for case, one in zip(cases, found)], sys.stdout)


def differs(case, found):
    """Returns in words how an answer differs from the documented one; empty when it does not."""
    if "refused" in case:
        return "" if "refused" in found else "accepted" + shown(found["outputs"])
    if "refused" in found:
        return "refused: " + found["refused"].splitlines()[0][:160]
    words = []
    for key in sorted(set(case["outputs"]) | set(found["outputs"])):
        ours, theirs = case["outputs"].get(key), found["outputs"].get(key)
        if ours != theirs:
            words.append(f"`{key}` is {'missing' if theirs is None else code(theirs)}")
    if sorted(case["resources"]) != found["resources"]:
        words.append("resources are " + (", ".join(found["resources"]) or "none"))
    return "; ".join(words)


def code(text):
    return f"`{text[:120]}`" if text else "an empty text"


def shown(outputs):
    return "".join(f", `{key}` is {code(value)}" for key, value in outputs.items())


def cell(text):
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def documented(case):
    if "refused" in case:
        return f"refused, naming `{case['refused']}`"
    return ", ".join(f"`{key}` = {code(value)}" for key, value in case["outputs"].items()) or "created"


def page(moto, ministack):
    reasons = json.loads(REASONS.read_text()) if REASONS.exists() else {}
    rows, counts = [], {"moto": 0, "MiniStack": 0}
    for one, other in zip(moto, ministack):
        case = one["case"]
        words = {"moto": differs(case, one["answer"]), "MiniStack": differs(case, other["answer"])}
        for name, text in words.items():
            counts[name] += bool(text)
        if any(words.values()):
            matching = (reason for name, reason in reasons.items() if fnmatch.fnmatch(case["template"], name))
            why = next(matching, "as documented")
            link = f"[{case['doc'].split('/')[-1].split('#')[0].removesuffix('.html')}]({case['doc']})"
            cells = [case["template"], documented(case), words["moto"] or "as ours", words["MiniStack"] or "as ours"]
            rows.append("| " + " | ".join(cell(text) for text in cells) + f" | {cell(why)}: {link} |")
    total = len(moto)
    return "\n".join([
        "# Compared with other simulators",
        "",
        f"{total} templates (`tests/fixtures/simulator`) were given to the stack simulator, to moto {VERSIONS['moto']} and to MiniStack {VERSIONS['MiniStack']}.",
        "What has to come out was written down from CloudFormation's documentation before anything ran. Ours answers all of them as",
        f"documented; moto differs in {counts['moto']}, MiniStack in {counts['MiniStack']}. The other two create what they simulate, which ours does not, and know far",
        "more services; this page is about templates only. An answer counts as a refusal however it comes: the request, or a stack",
        "that rolls back. Made by `tests/checks/simulators.py`.",
        "",
        "| Template | Documented, and ours | moto | MiniStack | Why ours is as it is |",
        "|---|---|---|---|---|",
        *rows,
        "",
    ])


def main():
    if sys.argv[1:2] == ["--inside"]:
        return inside(sys.argv[2] if len(sys.argv) > 2 else None)
    WORK.mkdir(parents=True, exist_ok=True)
    python, program = prepare()

    def run(*more):
        done = subprocess.run([python, __file__, "--inside", *more], env=environment(), stdout=subprocess.PIPE, check=True)
        return json.loads(done.stdout)

    moto = run()
    server, address = start_ministack(program)
    try:
        ministack = run(address)
    finally:
        server.terminate()
        server.wait(20)
    text = page(moto, ministack)
    if "--check" in sys.argv[1:]:
        raise SystemExit(0 if PAGE.read_text() == text else f"{PAGE} is stale: run {Path(__file__).name}")
    PAGE.write_text(text)
    print(f"{PAGE}: {sum(line.startswith('| ') for line in text.splitlines()) - 1} templates with differences")


main()
