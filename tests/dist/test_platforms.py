"""What `make dist` accepts as a jar, and as a run through its libraries."""

import json
import re
import zipfile

import pytest

import platforms

READELF = """
Version needs section '.gnu.version_r' contains 2 entries:
 Addr: 0x000000000001b2a8  Offset: 0x01b2a8  Link: 4 (.dynstr)
  000000: Version: 1  File: libc.so.6  Cnt: 3
  0x0010:   Name: GLIBC_2.9  Flags: none  Version: 4
  0x0020:   Name: GLIBC_2.28  Flags: none  Version: 3
  0x0030:   Name: GLIBC_2.2.5  Flags: none  Version: 2
  0x0040: Version: 1  File: libgcc_s.so.1  Cnt: 1
  0x0050:   Name: GCC_4.2.0  Flags: none  Version: 5
"""
OUTCOME = {"type": "outcome", "status": "failed", "exitCode": 3, "message": "The task exited with code 3", "details": None}
LOG = {"type": "log", "stream": "stdout", "lines": ["Hello from linux-x86_64"]}


def elf(machine):
    return b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00" + machine.to_bytes(2, "little") + bytes(44)


def jar_with(folder, library):
    def write(path):
        with zipfile.ZipFile(path, "w") as jar:
            jar.writestr(f"native/{folder}/libkestra_azure_batch.so", library)
        return path

    return write


def dll(machine):
    return b"MZ" + bytes(58) + (64).to_bytes(4, "little") + b"PE\0\0" + machine.to_bytes(2, "little") + bytes(18)


def windows_jar(path, *files):
    with zipfile.ZipFile(path, "w") as jar:
        for name, content in files:
            jar.writestr(name, content)
    return path


def events(*arrays):
    return "".join(json.dumps(array) + "\n" for array in arrays)


def test_versions_are_compared_by_their_numbers():
    assert platforms.newest_glibc(READELF) == (2, 28)


def test_a_library_that_needs_a_newer_glibc_is_refused():
    with pytest.raises(platforms.Failed, match="needs glibc 2.100, newer than 2.28"):
        platforms.newest_glibc(READELF.replace("GLIBC_2.9 ", "GLIBC_2.100 "))


def test_a_library_without_versions_is_refused():
    with pytest.raises(platforms.Failed, match="readelf"):
        platforms.newest_glibc("No version information found in this file.")


@pytest.mark.parametrize(
    ("library", "machine"), [(elf(62), "x86_64"), (elf(183), "aarch64"), (elf(40), "ELF machine 40"), (b"MZ", "no ELF file")]
)
def test_a_library_says_which_machine_it_is_for(library, machine):
    assert platforms.machine_of(library) == machine


def test_a_library_in_the_folder_of_another_machine_is_refused(tmp_path):
    jar = jar_with("linux-aarch64", elf(62))(tmp_path / "plugin.jar")
    with pytest.raises(platforms.Failed, match="native/linux-aarch64/libkestra_azure_batch.so is for x86_64"):
        platforms.libraries(jar)


def test_a_jar_without_libraries_has_none(tmp_path):
    assert platforms.libraries(jar_with("elsewhere", b"")(tmp_path / "plugin.jar")) == []


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([], "has the libraries []"),
        ([(platforms.DLL, dll(0x8664)), ("native/linux-x86_64/libkestra_azure_batch.so", elf(62))], "native/linux-x86_64"),
        ([(platforms.DLL, dll(0xAA64))], "is no library of Windows for x86_64"),
        ([(platforms.DLL, elf(62))], "is no library of Windows for x86_64"),
    ],
)
def test_a_jar_for_windows_holds_one_library_for_x86_64(tmp_path, files, said):
    with pytest.raises(platforms.Failed, match=re.escape(said)):
        platforms.windows_library(windows_jar(tmp_path / "plugin.jar", *files))


def test_a_library_for_windows_needs_only_what_windows_brings():
    platforms.check_needed("\tDLL Name: KERNEL32.dll\n\tDLL Name: api-ms-win-crt-heap-l1-1-0.dll\n")
    with pytest.raises(platforms.Failed, match="needs libgcc_s_seh-1.dll"):
        platforms.check_needed("\tDLL Name: KERNEL32.dll\n\tDLL Name: libgcc_s_seh-1.dll\n")
    with pytest.raises(platforms.Failed, match="objdump"):
        platforms.check_needed("file format elf64-x86-64")


def test_a_library_for_windows_exports_the_native_methods_and_nothing_else():
    methods = ["acknowledge__J", "close__J", "kill__J", "next__JJ", "select__JLjava_lang_String_2", "start__Ljava_lang_String_2"]
    lines = [f"\t[{number:4}] Java_io_kestra_plugin_azure_runner_Native_{name}\n" for number, name in enumerate(methods)]
    platforms.check_exported("".join(lines))
    for others in (lines[1:], [*lines, "\t[   6] _CRT_INIT\n"]):
        with pytest.raises(platforms.Failed, match="exports"):
            platforms.check_exported("".join(others))


def test_a_run_with_the_exit_code_the_line_and_the_file_is_accepted():
    platforms.judge(events(None, [LOG], [OUTCOME], [{"type": "end"}]), "linux-x86_64 was here\n", "linux-x86_64")


@pytest.mark.parametrize(
    ("lines", "output"),
    [
        (events([LOG], [OUTCOME | {"exitCode": 0}]), "linux-x86_64 was here\n"),
        (events([LOG]), "linux-x86_64 was here\n"),
        (events([OUTCOME]), "linux-x86_64 was here\n"),
        (events([LOG], [OUTCOME]), None),
    ],
)
def test_a_run_that_lacks_one_of_them_is_refused(lines, output):
    with pytest.raises(platforms.Failed, match="linux-x86_64: the run ended with"):
        platforms.judge(lines, output, "linux-x86_64")


def test_the_page_has_a_place_for_the_table():
    assert re.search(platforms.TABLE, platforms.PAGE.read_text(encoding="utf-8"))
