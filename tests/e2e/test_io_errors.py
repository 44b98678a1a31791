"""Results that cannot be written: exit 74, one clear message, no half file."""
import glob
import os
import resource
import shutil
import signal
import stat
import subprocess
import time

import chaos

FAKETIME = sorted(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1"))


def can_mount():
    """Whether this user may mount: tried on a mount namespace of its own."""
    return shutil.which("unshare") is not None and subprocess.run(
        ["unshare", "-m", "true"], stderr=subprocess.DEVNULL).returncode == 0


class IoErrors(chaos.Case):
    def assert_io_error(self, told, *wanted):
        self.assert_code(74, told)
        self.assertNotIn("Sanitizer", told.err)
        for words in wanted:
            self.assertIn(words, told.err, "\n%s" % told)

    def programs(self):
        return [binary for binary in (chaos.program(), chaos.ASAN) if binary]

    def on_a_disk(self, options, command):
        """Runs a shell command with $DISK a small file system of its own."""
        if not can_mount():
            self.skipTest("not allowed to mount")
        disk = self.path("disk")
        os.makedirs(disk, exist_ok=True)
        script = 'mount -t tmpfs -o %s tmpfs "$DISK" && %s' % (options, command)
        done = subprocess.run(["unshare", "-m", "sh", "-c", script], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.folder,
                              env=chaos.environment(DISK=disk, CHAOS=chaos.program()), timeout=120)
        return chaos.Told([script], done.returncode, done.stdout.decode(), done.stderr.decode())

    def test_a_full_disk(self):
        """Of many sizes, so that another file of the results is the one that does not fit."""
        self.write("small.json", chaos.SMALL)
        for size in ("4k", "16k", "64k", "128k", "200k"):
            told = self.on_a_disk("size=" + size, '"$CHAOS" small.json --quiet --no-plots --out '
                                  '"$DISK/out"; code=$?; mkdir left && cp -a "$DISK/." left/; exit $code')
            with self.subTest(size):
                self.assert_io_error(told, "No space left on device")
                self.assert_nothing_half_written(self.path("left"))
            shutil.rmtree(self.path("left"), ignore_errors=True)

    def test_a_full_disk_does_not_spoil_the_results_that_are_there(self):
        """The second run finds the disk full; the files of the first stay as they were, or are gone."""
        self.write("small.json", chaos.SMALL)
        told = self.on_a_disk("size=8m", '"$CHAOS" small.json --quiet --no-plots --out "$DISK/out" '
                              '>first.txt || exit 1; cp -a "$DISK/out" before; '
                              'dd if=/dev/zero of="$DISK/filler" bs=4k 2>/dev/null; '
                              '"$CHAOS" small.json --seed 8 --quiet --no-plots --out "$DISK/out"; '
                              'code=$?; cp -a "$DISK/out" after; exit $code')
        self.assert_io_error(told, "No space left on device")
        self.assert_nothing_half_written(self.path("after"))
        for name in self.files_below(self.path("after")):
            self.assert_same_files("before", "after", [name])

    def test_a_read_only_file_system(self):
        self.write("small.json", chaos.SMALL)
        told = self.on_a_disk("ro", '"$CHAOS" small.json --quiet --no-plots --out "$DISK/out"')
        self.assert_io_error(told, "Read-only file system")

    def test_a_limit_on_file_size(self):
        """What `ulimit -f` does; as good as a full disk, and it needs no root."""
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
        for binary in self.programs():
            told = self.run_small("out", None, binary=binary, before=limit, env=chaos.COUNT_ELSEWHERE)
            self.assert_io_error(told, "File too large")
            self.assert_nothing_half_written(self.path("out"))
            shutil.rmtree(self.path("out"))

    def test_a_limit_on_file_size_that_kills_by_default(self):
        told = self.run_small("out", None, env=chaos.COUNT_ELSEWHERE, before=lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (20000, 20000)))
        self.assert_io_error(told)
        self.assert_nothing_half_written(self.path("out"))

    def test_a_folder_without_permission(self):
        if os.geteuid() == 0:
            self.skipTest("root may write anywhere")
        os.mkdir(self.path("closed"), 0o555)
        self.assert_io_error(self.run_small("closed/out"), "Permission denied")

    def test_a_place_where_no_folder_can_be(self):
        self.write("file", "x")
        self.assert_io_error(self.run_small("file/out"))
        self.assert_io_error(self.run_small("file"))
        self.write("small.json", chaos.SMALL)
        self.assert_io_error(self.chaos(self.path("small.json"), "--out", "/proc/nowhere/out"))
        with open(self.path("file"), encoding="utf-8") as f:
            self.assertEqual("x", f.read())

    def odd_places(self):
        """Names under which no file or folder of ours can be, and what is there. No device: whoever
        runs this may be root, and a fault of ours would cost the machine its /dev/null."""
        os.mkfifo(self.path("pipe"))
        os.makedirs(self.path("folder"))
        self.write("folder/thesis.txt", "years of work")
        self.write("diary", "dear diary")
        for link, to in (("to-folder", "folder"), ("to-diary", "diary"), ("to-nothing", "no/where"), ("loop", "loop"),
                         ("to-pipe", "pipe"), ("to-stdout", "/proc/self/fd/1")):
            os.symlink(to, self.path(link))
        return ["pipe", "folder", "diary", "to-folder", "to-diary", "to-nothing", "loop", "to-pipe", "to-stdout", "n" * 5000,
                "n/" * 2500, "diary/x", "/proc/self/nowhere/x"]

    def left_alone(self):
        return [os.path.islink(self.path(name)) for name in ("to-folder", "to-diary", "to-nothing", "loop", "to-pipe")] + [
            stat.S_ISFIFO(os.stat(self.path("pipe")).st_mode), self.text("diary"), os.listdir(self.path("folder")),
            self.text("folder/thesis.txt")]

    def test_odd_places_for_results_are_refused_and_left_as_they_are(self):
        places = self.odd_places()
        before = self.left_alone()
        for place in places:
            with self.subTest(place[:20]):
                told = self.run_small(place, None, "--runs", "1", "--jobs", "1", within_s=30)
                self.assert_io_error(told)
                self.assertEqual(1, told.err.count("\n"), told.err)
                self.assertRegex(told.err, r": [^:]+\n$")
        self.assertEqual(before, self.left_alone())

    def test_odd_places_for_what_was_learned_are_refused_before_anything_is_learned(self):
        self.write("small.json", chaos.small(replications=1))
        places = self.odd_places() + [""]
        before = self.left_alone()
        for place in places:
            with self.subTest(place[:20]):
                told = self.chaos("train", "small.json", "--runs", "1", "--out", place, within_s=30)
                self.assert_io_error(told, "train: --out: ")
                self.assertEqual(1, told.err.count("\n"), told.err)
        self.assertEqual(before, self.left_alone())
        for _ in range(2):  # its own it does replace
            self.assert_code(0, self.chaos("train", "small.json", "--runs", "1", "--out", "state.json"))
        self.assert_nothing_half_written(self.path("folder"))

    def test_odd_places_for_the_healers_store_are_said_once(self):
        scenario = chaos.small(replications=1, method=[])
        for place in self.odd_places():
            if place.startswith(("/proc", "to-nothing", "to-stdout", "loop")):
                continue  # perhaps elsewhere: --allow-path would have to allow it
            with self.subTest(place[:20]):
                told = self.run_small("out", dict(scenario, healer={"extends": "default", "store": {"path": place}}),
                                      within_s=30)
                self.assert_io_error(told, "the healer's store: ")
                self.assertEqual(1, told.err.count("\n"), told.err)
                self.assertRegex(told.err, r": [^:]+\n$")
                self.assertEqual(7, self.result()["seed"])
                shutil.rmtree(self.path("out"))

    def test_a_pipe_without_a_writer_is_not_waited_for(self):
        os.mkfifo(self.path("pipe"))
        self.write("numbers.csv", "timestamp,value\n2024-01-01 00:00:00,1\n")
        os.makedirs(self.path("out"))
        os.mkfifo(self.path("out", "result.json"))
        os.mkfifo(self.path("many.json"))
        for code, args in ((2, ["report", "pipe"]), (2, ["explain", "pipe"]), (2, ["replay", "pipe"]),
                           (2, ["replay", "/dev/zero"]), (2, ["replay", "numbers.csv", "--labels", "pipe"]),
                           (2, ["import", "pipe"]), (2, ["validate", "pipe"]), (2, ["report", "out"]),
                           (0, ["list", "scenarios", "."])):
            with self.subTest(" ".join(args)):
                told = self.chaos(*args, within_s=20)
                self.assert_code(code, told)
                self.assertRegex(told.err, "it is a pipe|no ordinary file|cannot be read")
        told = self.run_small("out", None, within_s=20)
        self.assert_io_error(told, "give --out an empty or a new one")

    def test_a_folder_with_files_that_are_not_ours(self):
        self.write("out/thesis.txt", "years of work")
        self.assert_io_error(self.run_small("out"), "thesis.txt")
        self.assertEqual(["thesis.txt"], self.files_below(self.path("out")))

    def test_a_second_run_into_the_same_folder_replaces_the_first(self):
        self.assert_code(0, self.run_small("out", None, "--seed", "8"))
        self.assert_code(0, self.run_small("out"))
        self.assertEqual(7, self.result()["seed"])
        self.assert_nothing_half_written(self.path("out"))

    def test_a_closed_stdout(self):
        """Also for lists and help, whose answer is nothing but what they print."""
        self.write("small.json", chaos.SMALL)
        for args in (["--help"], ["--version"], ["list", "faults"],
                     ["small.json", "--quiet", "--no-plots", "--out", "out"]):
            with self.subTest(" ".join(args)):
                told = self.chaos(*args, before=lambda: os.close(1))
                self.assert_io_error(told, "output")
                self.assertEqual(1, told.err.count("could not be written"), told.err)

    def test_closed_streams_are_no_files_of_ours(self):
        """The next file that is opened gets their number."""
        for name in "ab":
            self.write("many/%s.json" % name, chaos.SMALL)
        for code, closed in ((74, (1,)), (0, (2,)), (74, (0, 1, 2))):
            with self.subTest(closed):
                self.assert_code(code, self.chaos("many", "--verbose", "--no-plots", "--out", "out",
                                                  before=lambda closed=closed: [os.close(fd) for fd in closed]))
                self.assertRegex(self.text("out/campaign.csv"), r"\Ascenario,[^\n]*\n(?:[ab]\.json,[^\n]*\n){2}\Z")
                shutil.rmtree(self.path("out"))

    def test_a_full_stdout(self):
        self.write("small.json", chaos.SMALL)
        with open("/dev/full", "wb") as full:
            for args in (["--help"], ["list", "metrics"],
                         ["small.json", "--quiet", "--no-plots", "--out", "out"]):
                with self.subTest(" ".join(args)):
                    self.assert_io_error(self.chaos(*args, stdout=full), "output")

    def test_a_reader_that_went_away(self):
        """`chaos-run list metrics | head -1`: an error of writing, not a death by SIGPIPE."""
        read_end, write_end = os.pipe()
        os.close(read_end)
        try:
            self.assert_io_error(self.chaos("list", "metrics", stdout=write_end))
        finally:
            os.close(write_end)

    def test_few_file_descriptors(self):
        told = self.run_small("out", None, before=lambda: resource.setrlimit(
            resource.RLIMIT_NOFILE, (16, 16)))
        self.assert_code(0, told)

    def test_too_little_memory(self):
        """A clear message and an exit code of ours at every limit, never a crash."""
        self.write("small.json", chaos.SMALL)
        for mib in (24, 32, 48, 64, 96):
            told = self.run_small("out", None, "--jobs", "1", before=lambda: resource.setrlimit(
                resource.RLIMIT_AS, (mib << 20, mib << 20)))
            with self.subTest("%d MiB" % mib):
                # 127: the loader itself did not get the libraries in
                self.assertIn(told.code, (0, 2, 70, 74, 127), "\n%s" % told)
                if told.code != 0:
                    self.assertTrue(told.err.strip())
            shutil.rmtree(self.path("out"), ignore_errors=True)

    def test_without_gnuplot(self):
        """The results are there, and it says that there are no plots and why."""
        small = self.write("small.json", chaos.SMALL)
        told = self.chaos(small, "--quiet", "--out", self.path("out"), env={"PATH": "/nonexistent"})
        self.assert_code(0, told)
        self.assertIn("gnuplot", told.err)
        self.assertEqual([], glob.glob(self.path("out", "plots", "*.svg")))
        self.assertTrue(os.path.exists(self.path("out", "report.html")))

    def test_without_fonts(self):
        """An svg names a font and needs none: the same bytes."""
        small = self.write("small.json", chaos.small(replications=1))
        for out, env in (("with", {}), ("without", {"FONTCONFIG_FILE": "/nonexistent"})):
            self.assert_code(0, self.chaos(small, "--quiet", "--format", "svg", "--out",
                                           self.path(out), env=env))
        drawn = [name for name in self.files_below(self.path("with")) if name.endswith(".svg")]
        self.assertGreater(len(drawn), 3)
        self.assert_same_files("with", "without", drawn)

    def test_a_gnuplot_that_fails(self):
        self.fake_gnuplot("#!/bin/sh\necho 'no such terminal' >&2\nexit 1\n")

    def test_a_gnuplot_that_dies(self):
        self.fake_gnuplot("#!/bin/sh\nkill -9 $$\n")

    def test_a_gnuplot_that_hangs(self):
        """Its minute passes a hundred times as fast here; the report is there and says what is not."""
        if not FAKETIME:
            self.skipTest("no libfaketimeMT here")
        os.chmod(self.write("bin/gnuplot", "#!/bin/sh\nexec sleep 600\n"), 0o755)
        began = time.monotonic()
        told = self.chaos(self.write("small.json", chaos.small(replications=1)), "--quiet", "--out", self.path("out"),
                          env={"PATH": self.path("bin") + ":/usr/bin:/bin"},
                          wrap=["env", "LD_PRELOAD=" + FAKETIME[0], "NO_FAKE_STAT=1", "FAKETIME=+0 x100"])
        self.assertLess(time.monotonic() - began, 30)
        self.assert_code(0, told)
        self.assertIn("gnuplot took too long", told.err)
        self.assertIn("more plots were not tried", told.err)
        self.assertEqual([], glob.glob(self.path("out", "plots", "*.svg")))
        self.assertIn("</html>", self.text("out/report.html"))
        self.assert_nothing_half_written(self.path("out"))

    def text(self, name):
        with open(self.path(name), encoding="utf-8") as f:
            return f.read()

    def fake_gnuplot(self, script):
        os.chmod(self.write("bin/gnuplot", script), 0o755)
        small = self.write("small.json", chaos.SMALL)
        told = self.chaos(small, "--quiet", "--out", self.path("out"),
                          env={"PATH": self.path("bin") + ":/usr/bin:/bin"})
        self.assertIn(told.code, (0, 74), "\n%s" % told)
        self.assertIn("gnuplot", told.err)
        self.assertEqual(7, self.result()["seed"])
        self.assert_nothing_half_written(self.path("out"))
