#!/usr/bin/env python3
"""What clang-tidy and gcc's -fanalyzer find, in the files that nobody has shown them yet.

    tests/lint/deep.py list
    tests/lint/deep.py look CLANG_BUILD GCC_BUILD [--all] [--write] [--jobs N]

Both look at every path through a file, a quarter of an hour for all of them. seen.txt has
the digest of each file that was found clean, with the checks that were asked for; so what
differs from it is looked at whenever tests are run, and `./dev lint` looks at all and
writes it anew. Who changes a header runs that: seen.txt knows only the file itself.

analyzer.txt has what -fanalyzer says and is not so. Exits with 1 when there is a finding,
and with --all when a line there explains nothing any more.
"""
import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
SEEN = os.path.join(HERE, "seen.txt")
EXPLAINED = os.path.join(HERE, "analyzer.txt")
FINDING = re.compile(r"^(?:\.\./)*([^:\s]+):(\d+):\d+: warning: (.*) \[-Wanalyzer-([a-z-]+)\]$")


def sources():
    for folder in ("healer", "harness", "faults", "reports"):
        for at, _, names in os.walk(os.path.join(TOP, folder)):
            for name in names:
                if name.endswith(".c"):
                    yield os.path.relpath(os.path.join(at, name), TOP)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def digest(path):
    checks = read(os.path.join(TOP, ".clang-tidy"))
    return hashlib.sha256(checks + read(os.path.join(TOP, path))).hexdigest()[:32]


def seen():
    try:
        with open(SEEN, encoding="utf-8") as f:
            return dict(reversed(line.split()) for line in f if not line.startswith("#"))
    except FileNotFoundError:
        return {}


def unseen():
    known = seen()
    return sorted(path for path in sources() if known.get(path) != digest(path))


def explained():
    """(file, finding) of analyzer.txt."""
    with open(EXPLAINED, encoding="utf-8") as f:
        return {tuple(line.split()[:2]) for line in f if line.strip() and not line.startswith("#")}


def commands(build):
    """The arguments that compile each file, and where."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as f:
        entries = json.load(f)
    return {os.path.relpath(os.path.join(e["directory"], e["file"]), TOP): (shlex.split(e["command"]), e["directory"])
            for e in entries}


def example(path):
    """What no build of ours compiles: the examples, against the headers that are here."""
    return ["gcc", "-I", TOP, "-Wall", "-std=gnu11", "-o", "x", "-c", path], TOP


def analyzed(path, entry):
    """{(file, finding): line of text} of gcc for one file."""
    arguments, place = entry
    at = arguments.index("-o")
    arguments = [a for a in arguments[:at] + arguments[at + 2:] if not re.match(r"-(O.|Werror|MD|M[QF]$|g\d?$)", a)]
    arguments = [a for a in arguments if not a.endswith((".o.d", ".c.o"))]
    told = subprocess.run([*arguments, "-O1", "-fanalyzer", "-fdiagnostics-path-format=none",
                           "-fdiagnostics-color=never", "-o", "/dev/null"],
                          cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    if told.returncode != 0:
        return {(path, "compiler"): told.stderr.decode("utf-8", "replace")}
    found = {}
    for line in told.stderr.decode("utf-8", "replace").splitlines():
        match = FINDING.match(line)
        if match:
            found[(match[1], match[4])] = "%s:%s: %s [%s]" % (match[1], match[2], match[3], match[4])
    return found


def tidied(path, build):
    told = subprocess.run(["clang-tidy", "--quiet", "-p", build, os.path.join(TOP, path)], cwd=TOP,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    text = told.stdout.decode("utf-8", "replace").strip()
    return text or ("%s: clang-tidy exits with %d" % (path, told.returncode) if told.returncode else "")


def write_seen(clean):
    """Those that are clean, and those that were and are the same."""
    known = {**seen(), **clean}
    with open(SEEN + ".new", "w", encoding="utf-8") as f:
        f.write("# Files that clang-tidy and -fanalyzer found clean: ./dev lint writes this.\n")
        for path in sorted(sources()):
            if known.get(path) == digest(path):
                f.write("%s %s\n" % (known[path], path))
    os.replace(SEEN + ".new", SEEN)


def look(clang_build, gcc_build, everything, write, jobs):
    files = sorted(sources()) if everything else unseen()
    known, entries = explained(), commands(gcc_build)
    clean, used = {}, set()
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        told = [(path, digest(path), pool.submit(tidied, path, clang_build),
                 pool.submit(analyzed, path, entries.get(path, example(path)))) for path in files]
        for path, was, tidy, analyzer in told:
            found = analyzer.result()
            used |= found.keys()
            words = [tidy.result(), *(text for what, text in found.items() if what not in known)]
            if any(words):
                print("\n".join(word for word in words if word), flush=True)
                continue
            clean[path] = was
            if write:
                write_seen(clean)
    stale = sorted(known - used) if everything else []
    for path, finding in stale:
        print("tests/lint/analyzer.txt: %s %s: gcc does not find it any more" % (path, finding))
    print("%d files looked at, %d clean" % (len(files), len(clean)))
    return 1 if stale or len(clean) < len(files) else 0


def main(arguments):
    if arguments[:1] == ["list"]:
        for path in unseen():
            print(path)
        return 0
    if arguments[:1] != ["look"] or len(arguments) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    jobs = int(arguments[arguments.index("--jobs") + 1]) if "--jobs" in arguments else 1
    return look(arguments[1], arguments[2], "--all" in arguments, "--write" in arguments, jobs)


sys.exit(main(sys.argv[1:]))
