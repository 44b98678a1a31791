"""The tree keeps the include direction, and the check of it can fail."""
import os
import sys
import tempfile
import unittest

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, TESTS)
import include_direction  # noqa: E402

GOOD = {
    "healer/err.h": "enum healer_err { HEALER_OK };\n",
    "healer/hlr_base.h": '#include "healer/err.h"\n',
    "healer/config.h": "struct healer_config;\n",
    "healer/store/store.h": '#include "healer/err.h"\n',
    "healer/store/file.c": '#include <sqlite3.h>\n#include "healer/store/store.h"\n'
                           '#include "healer/hlr_base.h"\n',
    "healer/breaker.c": '#include <string.h>\n#include "healer/hlr_base.h"\n'
                        "/* exit() and time() in words */\n"
                        'static const char *help = "call time(NULL)";\n'
                        "void f(void) { snprintf(b, 3, \"%%p\"); ops->time(1); }\n",
    "harness/base/rng.h": "#include <stdint.h>\n",
    "harness/sim/time.h": '#include "harness/base/rng.h"\n',
    "harness/fleet/fleet.h": '#include "harness/sim/time.h"\n',
    "harness/fleet/measure.h": '#include "harness/base/rng.h"\n',
    "harness/fleet/model.h": '#include "harness/fleet/fleet.h"\n',
    "harness/fleet/fleet.c": '#include "harness/fleet/model.h"\n',
    "faults/fault.h": '#include "harness/fleet/fleet.h"\n',
    "faults/latency.c": '#include "faults/fault.h"\n',
    "harness/scenario/strategy.c": '#include "healer/config.h"\n#include "faults/fault.h"\n',
    "harness/run/record.h": '#include "harness/fleet/measure.h"\n',
    "harness/run/heal_bridge.c": '#include "healer/err.h"\n#include "harness/run/record.h"\n',
    "reports/verdict.c": '#include <time.h>\n#include "harness/run/record.h"\n',
    "harness/cli/main.c": '#include "healer/err.h"\n#include "harness/run/record.h"\n',
    "tests/test_fleet.c": '#include "harness/fleet/model.h"\n',
}

# A file, a line added to it, and what the check must say of it or of another.
BAD = [
    ("healer/breaker.c", '#include "harness/base/rng.h"', "includes harness/base/rng.h"),
    ("healer/breaker.c", '#include "../faults/fault.h"', "includes faults/fault.h"),
    ("healer/breaker.c", "#include <harness/base/rng.h>", "libc's headers only"),
    ("healer/breaker.c", "#include <jansson.h>", "libc's headers only"),
    ("healer/breaker.c", '#include "healer/store/store.h"', "a library beside healer/"),
    ("healer/breaker.c", "#include <sqlite3.h>", "libc's headers only"),
    ("healer/store/file.c", "#include <curl/curl.h>", "libc's headers only and sqlite3.h"),
    ("healer/store/file.c", "long g(void) { return time(0); }", "calls time()"),
    ("healer/breaker.c", "#include <unistd.h>", "libc's headers only"),
    ("healer/breaker.c", "void g(void) { exit(1); }", "calls exit()"),
    ("healer/breaker.c", 'void g(void) { printf("x"); }', "calls printf()"),
    ("healer/breaker.c", 'void g(void) { fprintf (stderr, "x"); }', "calls fprintf()"),
    ("healer/breaker.c", "long g(void) { return time(0); }", "calls time()"),
    ("healer/breaker.c", 'char *g(void) { return getenv("A"); }', "calls getenv()"),
    ("healer/breaker.c", "double g(double x) { return exp(x); }", "calls exp()"),
    ("healer/breaker.c", 'const char *format = "%-12p";', "prints an address"),
    ("harness/base/rng.h", '#include "harness/sim/time.h"', "includes harness/sim/time.h"),
    ("harness/sim/time.h", '#include "harness/fleet/fleet.h"', "includes harness/fleet/fleet.h"),
    ("harness/sim/time.h", "int now = clock_gettime(0, 0);", "calls clock_gettime()"),
    ("harness/fleet/fleet.c", '#include "faults/fault.h"', "includes faults/fault.h"),
    ("harness/fleet/fleet.c", "int g(void) { return rand(); }", "calls rand()"),
    ("harness/fleet/fleet.c", "double g(double x) { return log(x); }", "calls log()"),
    ("faults/latency.c", '#include "harness/fleet/model.h"', "includes harness/fleet/model.h"),
    ("faults/latency.c", '#include "healer/err.h"', "includes healer/err.h"),
    ("faults/latency.c", '#include "harness/run/record.h"', "includes harness/run/record.h"),
    ("harness/fleet/fleet.h", '#include "harness/fleet/model.h"', "reaches harness/fleet/model.h"),
    ("harness/scenario/strategy.c", '#include "harness/run/record.h"', "includes harness/run/"),
    ("harness/scenario/strategy.c", '#include "healer/hlr_base.h"', "reaches healer/hlr_base.h"),
    ("harness/run/record.h", '#include "healer/err.h"', "includes healer/err.h"),
    ("harness/run/record.h", '#include "reports/verdict.h"', "includes reports/verdict.h"),
    ("reports/verdict.c", '#include "harness/fleet/fleet.h"', "includes harness/fleet/fleet.h"),
    ("reports/verdict.c", '#include "healer/err.h"', "includes healer/err.h"),
]


def write_tree(root, files):
    for path, text in files.items():
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as f:
            f.write(text)


class IncludeDirection(unittest.TestCase):
    def test_the_tree_keeps_it(self):
        found, files = include_direction.breaches(os.path.dirname(TESTS))
        self.assertGreater(files, 100)
        self.assertEqual([], found, "\n" + "\n".join(found))

    def test_a_good_tree_passes(self):
        with tempfile.TemporaryDirectory() as root:
            write_tree(root, GOOD)
            found, files = include_direction.breaches(root)
            self.assertEqual(len(GOOD), files)
            self.assertEqual([], found)

    def test_each_kind_of_breach_is_found(self):
        for path, line, what in BAD:
            with self.subTest(path=path, line=line), tempfile.TemporaryDirectory() as root:
                write_tree(root, dict(GOOD, **{path: GOOD[path] + line + "\n"}))
                found, _ = include_direction.breaches(root)
                self.assertTrue(
                    any(what in f for f in found), "%r not in %r" % (what, found))

    def test_every_folder_with_sources_has_a_row(self):
        root = os.path.dirname(TESTS)
        for path in include_direction.source_files(root):
            if path.startswith("tests/"):
                continue
            self.assertIsNotNone(
                include_direction.longest_row(include_direction.MAY_INCLUDE, path),
                "%s: its folder has no row in tests/include_direction.py" % path)


if __name__ == "__main__":
    unittest.main()
