"""Tests in a browser. A package, so that pytest knows when its last test is done."""
