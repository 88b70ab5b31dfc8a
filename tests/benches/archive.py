#!/usr/bin/env python3
"""Packages the same trees with `attini distribution package` and `zip -r -6`, in turns, and prints what each took.

    cargo build --release -p attini-cli --no-default-features --features local
    tests/benches/archive.py [--attini target/release/attini] [--rounds 3] [--files 20000] [--mib 1024] [--keep DIR]

Then the same again where the project has a package command, which works on a copy: beside `cp -a`, `zip` and `rm -r` of the copy.
The zip of attini holds the SHA-256 of every file in its manifest; zip makes no hashes. The best round of each counts. Needs
Python 3.9 and `zip`; nothing is downloaded. The exit code is 0 whatever the figures are: they depend on the machine.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CONFIG = "distributionName: bench\ndistributionId: bench-1\n"
WITH_COMMANDS = CONFIG + "package:\n  prePackage:\n    commands:\n      - 'true'\n"
WORDS = (
    "stack template resource parameter output environment deploy plan step runner bucket queue table role policy "
    "function handler return import export const value name type string number true false null if else for in of"
).split()


def text(chance, size):
    """About so many bytes of something like source code, which DEFLATE takes to a third."""
    lines = []
    length = 0
    while length < size:
        line = "  " * chance.randrange(4) + " ".join(chance.choice(WORDS) for _ in range(chance.randrange(2, 10)))
        line += f" {chance.randrange(1000)}\n"
        lines.append(line)
        length += len(line)
    return "".join(lines).encode()[:size]


def small_files(root, count):
    chance = random.Random(1)
    for number in range(count):
        folder = root / f"src{number % 50}" / f"part{number % 400}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"file{number}.ts").write_bytes(text(chance, chance.randrange(200, 6000)))


def mixed_files(root, mib):
    """A quarter text, a quarter noise that does not compress, half binary data in between; 1 to 64 MiB a file."""
    chance = random.Random(2)
    block = text(chance, 1 << 20)
    left = mib
    number = 0
    while left > 0:
        size = min(left, chance.choice([1, 2, 4, 8, 16, 32, 64]))
        folder = root / f"assets{number % 8}"
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / f"file{number}.bin", "wb") as file:
            for _ in range(size):
                kind = number % 4
                if kind == 0:
                    start = chance.randrange(len(block))
                    file.write(block[start:] + block[:start])
                elif kind == 1:
                    file.write(chance.randbytes(1 << 20))
                else:
                    piece = chance.randbytes(1 << 15)
                    start = chance.randrange(len(block) - (1 << 15))
                    file.write((piece + block[start : start + (1 << 15)]) * 16)
        left -= size
        number += 1


def measured(command, folder):
    """Returns seconds from start to exit, the peak of resident memory in MiB, and seconds of processor time."""
    start = time.monotonic()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = 0
    while True:
        # The figure of wait4 would begin with what this script itself had when it forked.
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
            peak = max([peak] + [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")])
        except OSError:
            pass
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        time.sleep(0.005)
    seconds = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed with {process.returncode}")
    return seconds, peak / 1024, usage.ru_utime + usage.ru_stime


def compare(title, tree, scratch, attini, rounds):
    (tree / "attini-config.yaml").write_text(CONFIG)
    ours_zip, theirs_zip = tree / "attini_dist" / "bench.zip", scratch / "theirs.zip"
    ours, theirs = [], []
    shutil.rmtree(tree / "attini_dist", ignore_errors=True)
    # Both read a warm cache.
    for path in tree.rglob("*"):
        if path.is_file():
            with open(path, "rb") as file:
                while file.read(1 << 20):
                    pass
    for _ in range(rounds):
        shutil.rmtree(tree / "attini_dist", ignore_errors=True)
        theirs_zip.unlink(missing_ok=True)
        theirs.append(measured(["zip", "-r", "-6", "-q", str(theirs_zip), "."], tree))
        ours.append(measured([str(attini), "distribution", "package", "."], tree))
    our_size, their_size = ours_zip.stat().st_size, theirs_zip.stat().st_size
    (tree / "attini-config.yaml").write_text(WITH_COMMANDS)
    ours_with, theirs_with = [], []
    copy = scratch / "copy"
    for _ in range(rounds):
        shutil.rmtree(tree / "attini_dist", ignore_errors=True)
        theirs_zip.unlink(missing_ok=True)
        script = f"cp -a . '{copy}' && cd '{copy}' && true && zip -r -6 -q '{theirs_zip}' . && rm -r '{copy}'"
        theirs_with.append(measured(["bash", "-c", script], tree)[0])
        ours_with.append(measured([str(attini), "distribution", "package", "."], tree)[0])
    (our_time, _, our_work), (their_time, _, their_work) = min(ours), min(theirs)
    count = sum(1 for file in tree.rglob("*") if file.is_file()) - 2
    print(f"{title}: {count} files, best of {rounds}, in turns")
    print(f"  zip -r -6      {their_time:7.2f} s  {their_size / 2**20:8.1f} MiB  {max(m for _, m, _ in theirs):6.1f} MiB memory, {their_work:.2f} s of processor")
    print(f"  attini package {our_time:7.2f} s  {our_size / 2**20:8.1f} MiB  {max(m for _, m, _ in ours):6.1f} MiB memory, {our_work:.2f} s of processor")
    print(f"  ratio          {their_time / our_time:7.2f} times faster, size {100 * our_size / their_size - 100:+.2f} %")
    print(f"  with a command {min(theirs_with):7.2f} s for cp -a, zip and rm, {min(ours_with):.2f} s for attini: {min(theirs_with) / min(ours_with):.2f} times faster")
    print(f"  all rounds     zip {[round(t, 2) for t, _, _ in theirs]}, attini {[round(t, 2) for t, _, _ in ours]}", flush=True)


def main():
    root = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--attini", type=Path, default=root / "target/release/attini")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--files", type=int, default=20_000, help="number of small files")
    parser.add_argument("--mib", type=int, default=1024, help="MiB of mixed large files")
    parser.add_argument("--keep", type=Path, help="folder for the trees, kept for the next run")
    args = parser.parse_args()
    if not args.attini.is_file():
        sys.exit(f"{args.attini} is not there: cargo build --release -p attini-cli --no-default-features --features local")
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        trees = args.keep or scratch
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", flush=True)
        for title, name, make, size in [
            ("small files", f"small{args.files}", small_files, args.files),
            ("mixed large files", f"mixed{args.mib}", mixed_files, args.mib),
        ]:
            tree = trees / name
            if not tree.exists():
                tree.mkdir(parents=True)
                make(tree, size)
            compare(title, tree, scratch, args.attini.resolve(), args.rounds)


if __name__ == "__main__":
    main()
