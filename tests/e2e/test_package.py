"""The Debian package: built, installed, run, removed. As root only."""
import os
import shutil
import subprocess

import chaos


def run(*command, **how):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, **how)


def is_installed():
    told = run("dpkg-query", "-W", "-f", "${db:Status-Status}", "chaos-run")
    return told.stdout == "installed"


class Package(chaos.Case):
    def setUp(self):
        super().setUp()
        if os.geteuid() != 0 or not shutil.which("dpkg-deb"):
            self.skipTest("installing a package takes root, and dpkg")
        if is_installed() or os.path.exists("/usr/bin/chaos-run"):
            self.skipTest("a chaos-run is installed here already")

    def test_it_installs_runs_and_leaves_nothing_behind(self):
        # What is looked at does not depend on how much is optimised, and this is all of the program
        # compiled once more; its results do not either, which test_determinism.py shows.
        built = run(os.path.join(chaos.ROOT, "dev"), "package", timeout=900,
                    env=dict(os.environ, CFLAGS="-O1"))
        self.assertEqual(0, built.returncode, built.stderr[-3000:])
        package = built.stdout.strip()
        self.assertTrue(package.endswith(".deb") and os.path.exists(package), built.stdout)

        fields = run("dpkg-deb", "-f", package, "Package", "Depends", "Version").stdout
        self.assertIn("Package: chaos-run\n", fields)
        for library in ("libc6", "libjansson4"):
            self.assertIn(library, fields)
        files = run("dpkg-deb", "-c", package).stdout
        for path in ("./usr/bin/chaos-run", "./usr/share/man/man1/chaos-run.1.gz",
                     "./usr/share/man/man5/chaos-run-scenario.5.gz",
                     "./usr/share/doc/chaos-run/copyright",
                     "./usr/share/chaos-run/scenarios/latency.json",
                     "./usr/include/healer/healer.h"):
            self.assertIn(path + "\n", files)

        self.addCleanup(run, "dpkg", "--purge", "chaos-run")
        installed = run("dpkg", "-i", package)
        self.assertEqual(0, installed.returncode, installed.stderr)
        self.use_it()
        removed = run("dpkg", "--purge", "chaos-run")
        self.assertEqual(0, removed.returncode, removed.stderr)
        for path in ("/usr/bin/chaos-run", "/usr/share/chaos-run", "/usr/include/healer",
                     "/usr/share/doc/chaos-run"):
            self.assertFalse(os.path.exists(path), path)

    def use_it(self):
        program = "/usr/bin/chaos-run"
        version = self.chaos("--version", binary=program, cwd="/")
        self.assert_code(0, version)
        self.assertTrue(version.out.startswith("chaos-run "), version.out)
        told = self.run_small("out", None, binary=program)
        self.assert_code(0, told)
        self.assertEqual("passed", self.result()["outcome"])
        listed = self.chaos("list", "scenarios", binary=program, cwd="/")
        self.assertIn("/usr/share/chaos-run/scenarios/latency.json\n", listed.out)
