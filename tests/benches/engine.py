#!/usr/bin/env python3
"""Runs the same state machines on the engine of attini and on the States Language interpreter of moto, and prints what each took.

    tests/benches/engine.py [--rounds 3] [--turns 500] [--items 1000] [--without-moto]

The engine is measured by `cargo bench -p attini-local --bench engine` (release build). moto is installed from PyPI in the version
below into `target/moto-venv`, once. moto is asked to execute state machines, with its interval of polling left out of the figures as far
as it can be: what counts is the time between start and stop of the execution as it reports them. Needs Python 3.9 with `venv`.
The exit code is 0 whatever the figures are: they depend on the machine.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

MOTO = "moto[stepfunctions]==5.1.5"
REPOSITORY = Path(__file__).resolve().parents[2]
MACHINES = Path(__file__).resolve().parent / "engine"


def engine():
    command = ["cargo", "bench", "-q", "-p", "attini-local", "--bench", "engine"]
    done = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def environment():
    """Makes the environment with moto, and returns its interpreter."""
    venv = REPOSITORY / "target" / "moto-venv"
    python = venv / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    subprocess.run([str(python), "-m", "pip", "install", "-q", MOTO], check=True)
    return python


def inside(part, size, rounds):
    """Runs one machine in this process, and prints what it took. The parent has chosen an interpreter that has moto."""
    import boto3
    from moto import mock_aws

    machine = json.loads((MACHINES / f"{part}.json").read_text())
    data = {"count": 0, "limit": size, "text": "x" * 980} if part == "loop" else {"items": list(range(size))}
    best = None
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        states = boto3.client("stepfunctions", region_name="eu-west-1")
        for number in range(rounds):
            # moto 5.1.5 copies a machine with all its executions to start one, and cannot copy what has run.
            arn = states.create_state_machine(
                name=f"bench{number}", definition=json.dumps(machine), roleArn="arn:aws:iam::123456789012:role/bench"
            )["stateMachineArn"]
            begun = time.perf_counter()
            execution = states.start_execution(stateMachineArn=arn, input=json.dumps(data))["executionArn"]
            while True:
                found = states.describe_execution(executionArn=execution)
                if found["status"] != "RUNNING":
                    break
                time.sleep(0.002)
            seconds = time.perf_counter() - begun
            if found["status"] != "SUCCEEDED":
                sys.exit(f"moto ended as {found['status']}: {found.get('error')}: {found.get('cause')}")
            best = seconds if best is None else min(best, seconds)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"seconds": best, "peak_kib": peak}))


def moto(python, part, size, rounds):
    command = [str(python), str(Path(__file__).resolve()), "--inside", part, str(size), str(rounds)]
    surroundings = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=surroundings)
    return json.loads(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--turns", type=int, default=500, help="turns of the loop on moto, two transitions each")
    parser.add_argument("--items", type=int, default=1000, help="items of the Map on moto")
    parser.add_argument("--without-moto", action="store_true")
    parser.add_argument("--inside", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        part, size, rounds = options.inside
        return inside(part, int(size), int(rounds))
    figures = engine()
    print("Pass and Choice in turns, payload of 1 KiB, in memory")
    for kind, words in [("handed_on", "events handed on as they come"), ("kept", "the whole history kept")]:
        print(f"  {words}")
        for row in figures[kind]:
            each = f"{row['microseconds_each']:.2f} us each"
            print(f"    {row['events']:>7} events: {row['per_second']:>10,.0f} transitions/s, {each}")
    found = figures["map"]
    print(f"Map, {found['items']} items, {found['at_a_time']} at a time: {found['seconds']:.3f} s, {found['events']} events, "
          f"peak {found['peak_kib'] / 1024:.0f} MiB (before {found['before_kib'] / 1024:.0f})")
    wait = figures["waiting"]
    print(f"{wait['executions']} waiting executions: {wait['kib'] / 1024:.1f} MiB, stored {wait['stored_bytes_each']} bytes each, "
          f"started in {wait['seconds']:.3f} s")
    if options.without_moto:
        return None
    python = environment()
    loop = moto(python, "loop", options.turns, options.rounds)
    per_second = (2 * options.turns + 1) / loop["seconds"]
    own = figures["kept"][0]["per_second"]
    print(f"moto, {2 * options.turns + 1} transitions: {per_second:,.0f} transitions/s; the engine does {own / per_second:,.0f} times as many")
    each = moto(python, "map", options.items, options.rounds)
    ratio = (each["seconds"] / options.items) / (found["seconds"] / found["items"])
    print(f"moto, Map of {options.items} items: {each['seconds']:.2f} s, peak {each['peak_kib'] / 1024:.0f} MiB; "
          f"per item {ratio:,.0f} times as long")
    return None


if __name__ == "__main__":
    main()
