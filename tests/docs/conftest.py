"""The docs' own tools, and a live hub for their examples."""

import importlib.util
from pathlib import Path

import pytest

from acceptance.conftest import server

__all__ = ["server"]

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def make():
    """docs/make.py as a module."""
    spec = importlib.util.spec_from_file_location("docs_make", ROOT / "docs" / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
