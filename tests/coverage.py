"""Prints which share of the lines of src/ and include/ has been run, by folder and in all: coverage.py BUILD_DIRECTORY.

The build is one with -Db_coverage=true, by GCC, whose tests have run.
"""
import collections
import json
import pathlib
import subprocess
import sys


def lines_by_folder(build):
    """{folder: [lines run, lines]}"""
    gcovr = ["gcovr", "--json-summary", "--root", ".", "--filter", "src/", "--filter", "include/", build]
    done = subprocess.run(gcovr, stdout=subprocess.PIPE, check=True, text=True)
    folders = collections.defaultdict(lambda: [0, 0])
    for file in json.loads(done.stdout)["files"]:
        for folder in (str(pathlib.PurePath(file["filename"]).parent), "all"):
            folders[folder][0] += file["line_covered"]
            folders[folder][1] += file["line_total"]
    return folders


def main(build):
    folders = lines_by_folder(build)
    total = folders.pop("all")
    for folder, (run, lines) in [*sorted(folders.items()), ("all", total)]:
        print(f"{folder:32} {run:6} of {lines:6} lines   {100 * run / lines:5.1f} %")


main(sys.argv[1])
