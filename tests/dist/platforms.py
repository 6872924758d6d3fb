#!/usr/bin/python3
"""Checks a plugin jar on each platform that it has a library for: tests/kit/launch -- tests/dist/platforms.py JAR WINDOWS_JAR CLASSES.

For each: the library is for that machine, needs no newer glibc than it should, and runs a task of the local account in a root of
Debian 11 that scripts/dist has made, under qemu where this machine is another. Of the jar for Windows it reads the library and runs
nothing. Writes the table of docs/platforms.md.
CLASSES is where RunOnce.java has been compiled to.
"""

import json
import os
import platform as this_machine
import re
import secrets
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# What scripts/dist has made there for each machine: root-*, java-*, and qemu.
TOOLS = ROOT / ".tools" / "platforms"
# The contract of both sides. What does not matter here is as in it.
REQUEST = ROOT / "tests" / "fixtures" / "request.json"
NATIVE = ROOT / "java/src/main/java/io/kestra/plugin/azure/runner/Native.java"
PAGE = ROOT / "docs" / "platforms.md"
TABLE = re.compile(r"(?<=<!-- make dist: -->\n).*?(?=<!-- end -->)", re.DOTALL)

OLDEST_GLIBC = (2, 28)
LARGEST_JAR = 8_000_000  # bytes
RUN_SECONDS = 120
EXIT_CODE = 3

# Numbers of the ELF header, https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html.
ELF_MACHINES = {62: "x86_64", 183: "aarch64"}
E_MACHINE = slice(18, 20)

# The only one in the jar for Windows.
DLL = "native/windows-x86_64/kestra_azure_batch.dll"
# The place of the PE header, and a number in it, https://learn.microsoft.com/windows/win32/debug/pe-format.
E_LFANEW = slice(0x3C, 0x40)
PE_X86_64 = b"PE\0\0\x64\x86"
# Every Windows has these: those of the API sets, and of the C runtime, since Windows 10.
DLLS_OF_WINDOWS = re.compile(
    r"(api-ms-win-[\w-]+|kernel32|ntdll|advapi32|bcrypt|bcryptprimitives|crypt32|ncrypt|secur32|userenv|ws2_32|ucrtbase)\.dll"
)
# What is said of it: nothing that make dist does.
WINDOWS_RUN = "no: only by hand, see [Windows](#windows)"


class Failed(Exception):
    """The jar is not what it should be."""


@dataclass
class Library:
    """A native library in a jar. Sizes are in bytes."""

    machine: str
    size: int
    packed: int
    glibc: tuple[int, ...]


def machine_of(library):
    """The machine that a little-endian ELF file is for."""
    number = int.from_bytes(library[E_MACHINE], "little")
    return ELF_MACHINES.get(number, f"ELF machine {number}") if library[:4] == b"\x7fELF" else "no ELF file"


def newest_glibc(versions):
    """The newest symbol version of glibc in what `readelf --version-info` prints; it fails if that is newer than it should be."""
    found = re.findall(r"\bName: GLIBC_(\d+(?:\.\d+)+)", versions)
    if not found:
        raise Failed("the library needs no version of glibc: readelf says nothing of one")
    newest = max(tuple(map(int, version.split("."))) for version in found)
    if newest > OLDEST_GLIBC:
        raise Failed(f"the library needs glibc {_dotted(newest)}, newer than {_dotted(OLDEST_GLIBC)}")
    return newest


def libraries(jar):
    """The libraries in a jar. Each is for the machine whose name its folder has, or it fails."""
    found = []
    with zipfile.ZipFile(jar) as archive:
        for entry in archive.infolist():
            folder = re.fullmatch(r"native/linux-(\w+)/libkestra_azure_batch\.so", entry.filename)
            if folder:
                found.append(_library(folder[1], entry, archive.read(entry)))
    return found


def _library(machine, entry, content):
    actual = machine_of(content)
    if actual != machine:
        raise Failed(f"{entry.filename} is for {actual}")
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        versions = subprocess.run(["readelf", "--version-info", "--wide", file.name], check=True, stdout=subprocess.PIPE, text=True)
    return Library(machine, entry.file_size, entry.compress_size, newest_glibc(versions.stdout))


def windows_library(jar):
    """The library for Windows in a jar that has no other. It is for x86_64 and needs no file but those of Windows, or it fails."""
    with zipfile.ZipFile(jar) as archive:
        entries = [entry for entry in archive.infolist() if entry.filename.startswith("native/") and not entry.is_dir()]
        if [entry.filename for entry in entries] != [DLL]:
            raise Failed(f"the jar for Windows has the libraries {[entry.filename for entry in entries]}")
        content = archive.read(DLL)
    header = int.from_bytes(content[E_LFANEW], "little")
    if content[header : header + len(PE_X86_64)] != PE_X86_64:
        raise Failed(f"{DLL} is no library of Windows for x86_64")
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        headers = subprocess.run(["objdump", "--private-headers", file.name], check=True, stdout=subprocess.PIPE, text=True)
    check_needed(headers.stdout)
    check_exported(headers.stdout)
    return Library("x86_64", entries[0].file_size, entries[0].compress_size, ())


def check_needed(headers):
    """Fails if what `objdump --private-headers` prints names a file that Windows does not bring."""
    needed = re.findall(r"DLL Name: (\S+)", headers)
    if not needed:
        raise Failed("the library for Windows needs nothing: objdump says nothing of it")
    others = sorted(name for name in needed if not DLLS_OF_WINDOWS.fullmatch(name.lower()))
    if others:
        raise Failed(f"the library for Windows needs {', '.join(others)}")


def check_exported(headers):
    """Fails unless the library exports the native methods of Native.java, and nothing else."""
    exported = re.findall(r"^\s+\[ *\d+\] (\w+)$", headers, re.MULTILINE)
    methods = re.findall(r"static native \S+ (\w+)\(", NATIVE.read_text(encoding="utf-8"))
    if sorted(name.split("__")[0] for name in exported) != sorted(
        f"Java_io_kestra_plugin_azure_runner_Native_{method}" for method in methods
    ):
        raise Failed(f"the library for Windows exports {exported[:10]}… instead of {methods}")


def request(account, name):
    """A task that reads a file, writes another, prints a line and ends with EXIT_CODE. Both files are in the working directory."""
    prefix = f"kestra-{secrets.token_hex(10)}-{secrets.token_hex(6)}"
    command = f'read -r name < in.txt; echo "Hello from $name"; echo "$name was here" > out.txt; exit {EXIT_CODE}'
    storage = {
        "containerName": account["AZURE_STORAGE_CONTAINER"],
        "connectionString": account["AZURE_STORAGE_CONNECTION_STRING"],
    }
    return json.loads(REQUEST.read_text(encoding="utf-8")) | {
        "account": account["AZURE_BATCH_ACCOUNT"],
        "accessKey": account["AZURE_BATCH_ACCESS_KEY"],
        "endpoint": account["AZURE_BATCH_ENDPOINT"],
        "poolId": account["AZURE_BATCH_POOL"],
        "blobStorage": storage,
        "registry": None,
        "waitUntilCompletion": RUN_SECONDS,
        "jobName": f"dist-{name.replace('_', '-')}-1a2b3c4d",
        "containerImage": "ubuntu:latest",
        "commands": ["/bin/sh", "-c", command],
        "environment": {},
        "localWorkingDir": "/tmp/work",
        "containerWorkingDir": f"/tmp/{prefix}",
        "stagingPrefix": prefix,
        "outputFiles": ["out.txt"],
    }


def in_debian(machine, jar, classes, work):
    """The command that runs RunOnce in the root for a machine, where nothing of this machine is seen but what is named here."""
    mounts = {jar: "plugin.jar", classes: "classes", TOOLS / f"java-{machine}": "java"}
    emulator = []
    if machine != this_machine.machine():
        mounts[TOOLS / "qemu" / "usr" / "bin" / f"qemu-{machine}-static"] = "qemu"
        emulator = ["/tmp/qemu"]
    seen = [word for source, name in mounts.items() for word in ("--ro-bind", str(source), f"/tmp/{name}")]
    return [
        *("bwrap", "--unshare-pid", "--die-with-parent", "--clearenv"),
        *("--ro-bind", str(TOOLS / f"root-{machine}"), "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"),
        *seen,
        *("--bind", str(work), "/tmp/work", "--"),
        *emulator,
        *("/tmp/java/bin/java", "--enable-native-access=ALL-UNNAMED", "-cp", "/tmp/plugin.jar:/tmp/classes"),
        "io.kestra.plugin.azure.runner.RunOnce",
    ]


def judge(lines, output, name):
    """Fails unless the events of a run, an array a line, and its output file are those of `request`."""
    events = [event for line in lines.splitlines() for event in json.loads(line) or []]
    outcomes = [(event["status"], event["exitCode"]) for event in events if event["type"] == "outcome"]
    log = [line for event in events if event["type"] == "log" for line in event["lines"]]
    expected = ([("failed", EXIT_CODE)], [f"Hello from {name}"], f"{name} was here\n")
    if (outcomes, log, output) != expected:
        raise Failed(f"{name}: the run ended with {outcomes}, log {log} and output file {output!r} instead of {expected}: {events}")


def run(jar, classes, machine):
    """Runs a task through the jar's library for a machine."""
    name = f"linux-{machine}"
    with tempfile.TemporaryDirectory() as work:
        Path(work, "in.txt").write_text(name + "\n", encoding="utf-8")
        process = subprocess.run(
            in_debian(machine, jar, classes, work),
            input=json.dumps(request(os.environ, name)),
            stdout=subprocess.PIPE,
            timeout=RUN_SECONDS,
            text=True,
        )
        if process.returncode:
            raise Failed(f"{name}: Java ended with {process.returncode}")
        output = Path(work, "out.txt")
        judge(process.stdout, output.read_text(encoding="utf-8") if output.is_file() else None, name)


def where(machine):
    """What a library has run on."""
    root = TOOLS / f"root-{machine}"
    version = (root / "etc" / "debian_version").read_text(encoding="utf-8").strip()
    (libc,) = (root / "usr" / "lib" / f"{machine}-linux-gnu").glob("libc-2.*.so")
    emulated = "" if machine == this_machine.machine() else ", under qemu"
    return f"Debian {version} with glibc {libc.stem.removeprefix('libc-')}{emulated}"


def table(found, jar_size, windows, windows_jar_size):
    """The table of docs/platforms.md, for libraries of Linux that have all run, and that of Windows."""
    rows = [_row(f"linux-{each.machine}", where(each.machine), each, _dotted(each.glibc)) for each in found]
    rows.append(_row("windows-x86_64", WINDOWS_RUN, windows, "–"))
    head = ["| platform | built | run | size | oldest glibc |", "|---|---|---|---|---|"]
    return "\n".join([*head, *rows, "", f"The jar has {_megabytes(jar_size)}, that for Windows {_megabytes(windows_jar_size)}.", ""])


def _row(platform, run_on, library, glibc):
    return f"| {platform} | yes | {run_on} | {_megabytes(library.size)} ({_megabytes(library.packed)} in the jar) | {glibc} |"


def _megabytes(size):
    return f"{size / 1e6:.2f} MB"


def _dotted(version):
    return ".".join(map(str, version))


def main():
    jar, windows_jar, classes = map(Path, sys.argv[1:])
    try:
        windows = windows_library(windows_jar)
        found = sorted(libraries(jar), key=lambda library: library.machine, reverse=True)
        if {library.machine for library in found} != set(ELF_MACHINES.values()):
            raise Failed(f"the jar has libraries for {[library.machine for library in found]} only")
        if jar.stat().st_size >= LARGEST_JAR:
            raise Failed(f"the jar has {jar.stat().st_size} bytes, {LARGEST_JAR} or more")
        for library in found:
            print(f"[dist] a task through linux-{library.machine}", flush=True)
            run(jar, classes, library.machine)
    except (Failed, subprocess.SubprocessError) as error:
        sys.exit(f"[dist] {error}")
    text = table(found, jar.stat().st_size, windows, windows_jar.stat().st_size)
    PAGE.write_text(TABLE.sub(lambda _: text, PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
