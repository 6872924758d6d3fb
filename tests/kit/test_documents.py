"""Documents name tests, which have to exist, and the README every property that an error names."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = ["INVARIANTS.md", *(str(file.relative_to(ROOT)) for file in sorted(ROOT.glob("docs/**/*.md")))]
# `module::name_of_a_test`, or `a_name_of_many_words` alone, or a class of Java tests.
NAME = re.compile(r"`(?:[a-z_]+::)*([a-z0-9]+(?:_[a-z0-9]+){3,})`|`([A-Z][A-Za-z]+Test)`")


def sources():
    files = [*ROOT.glob("rust/*/src/**/*.rs"), *ROOT.glob("rust/*/tests/**/*.rs"), *ROOT.glob("tests/**/test_*.py")]
    return "\n".join(file.read_text() for file in files)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_test_that_a_document_names_exists(document):
    known = set(re.findall(r"(?:fn|def) (\w+)\s*\(", sources()))
    known |= {file.stem for file in ROOT.glob("java/src/test/**/*Test.java")}
    named = {one or other for one, other in NAME.findall((ROOT / document).read_text())}
    assert named <= known, sorted(named - known)


# Of what Java sends, where no flow can be to blame.
INTERNAL = {"request", "stagingPrefix"}


def test_every_property_that_an_error_names_has_a_row_of_its_own_or_with_others():
    source = "\n".join(file.read_text() for file in ROOT.glob("rust/runner/src/**/*.rs"))
    named = set(re.findall(r'Invalid::new\(\s*"([A-Za-z.]+)"', source)) - INTERNAL
    readme = (ROOT / "README.md").read_text()
    rows = readme[readme.index("## When something is wrong") : readme.index("## Without an Azure account")]
    missing = {name for name in named if name not in rows and name.split(".")[0] not in rows}
    assert len(named) > 20 and not missing, missing
