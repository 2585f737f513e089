"""What the rows share."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which digits are generated once."""
    return tmp_path_factory.mktemp("images")
