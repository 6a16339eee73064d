# Everything CI runs, piece by piece. `just --list` shows the pieces.

# Lint, types, rooms, tests, docs
check: lint test

# ruff, mypy, import-linter, docs that follow from the code
lint:
    ruff check
    ruff format --check
    mypy
    lint-imports
    python docs/make.py --check

# The default tests; give paths or -k to choose
test *words:
    pytest -q {{words}}

# Write the parts of the docs that follow from the code
docs:
    python docs/make.py

# Bring the files into shape
format:
    ruff check --fix
    ruff format

# Pin a fresh resolution of everything
constraints:
    uv pip compile --quiet --universal --python-version 3.11 --all-extras --no-emit-package evalcommons --no-annotate --no-header pyproject.toml -o constraints.txt
