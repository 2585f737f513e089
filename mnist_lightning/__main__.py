"""``python -m mnist_lightning``, or ``mnist-lightning``."""

from unittest.mock import patch

# Imported, torch looks for libraries and matplotlib for fonts by starting other programs; both find
# them without
with patch("subprocess.Popen.__init__", side_effect=OSError("no other programs")):
    from mnist_lightning.program import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
