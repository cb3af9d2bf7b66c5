"""Unified diffs are read as git writes them, whatever stands in their lines."""

from __future__ import annotations

from hyperhive.patches import Part, files, lines

CHANGED = """\
diff --git a/agent.toml b/agent.toml
index 111..222 100644
--- a/agent.toml
+++ b/agent.toml
@@ -1,3 +1,3 @@
 one
--- a/agent.toml
+++ b/other.toml
 three
\\ No newline at end of file
"""
NEW = """\
diff --git a/notes b/notes
new file mode 100755
index 000..333
--- /dev/null
+++ b/notes
@@ -0,0 +1 @@
+diff --git a/x b/x
"""
GONE = """\
diff --git a/old b/old
deleted file mode 100644
index 333..000
--- a/old
+++ /dev/null
@@ -1 +0,0 @@
-bye
"""
ODD = """\
diff --git "a/wei\\trd" "b/wei\\trd"
index 1..2 100644
--- "a/wei\\trd"
+++ "b/wei\\trd"
@@ -1 +1 @@
-a
+b
"""
EMPTY = """\
diff --git a/a file b/a file
new file mode 100644
index 000..e69
"""


def test_a_line_of_a_hunk_that_looks_like_a_head_is_a_line() -> None:
    (file,) = files(CHANGED)
    assert (file.path, file.what, file.added, file.removed) == ("agent.toml", "changed", 1, 1)
    assert [(line.part, line.old, line.new) for line in file.lines] == [
        (Part.HUNK, None, None),
        (Part.KEPT, 1, 1),
        (Part.REMOVED, 2, None),
        (Part.ADDED, None, 2),
        (Part.KEPT, 3, 3),
        (Part.NOTE, None, None),
    ]


def test_each_file_is_told_with_what_becomes_of_it() -> None:
    found = files(CHANGED + NEW + GONE + ODD + EMPTY)
    assert [(file.path, file.what) for file in found] == [
        ("agent.toml", "changed"),
        ("notes", "new file"),
        ("old", "deleted"),
        ('"wei\\trd"', "changed"),
        ("a file", "new file"),
    ]
    assert found[1].head == ["new file mode 100755"]
    assert found[4].lines == []


def test_an_empty_diff_has_no_file() -> None:
    assert files("") == []


def test_every_line_of_a_diff_comes_out_again() -> None:
    whole = CHANGED + NEW + GONE + ODD + EMPTY
    assert "".join(f"{line.text}\n" for line in lines(whole)) == whole
