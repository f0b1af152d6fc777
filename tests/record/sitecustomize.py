"""A Python that a test starts with this directory in PYTHONPATH records too."""

import recording

recording.watch()
