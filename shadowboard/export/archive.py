"""Files in one, as a ZIP archive: the same bytes each time, and not compressed, for weights hardly can be."""

import zipfile
from collections.abc import Mapping
from io import BytesIO

_MODE = 0o644  # a server of models may be another user


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Path in the archive → content, as one file."""
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path, part in files.items():
            entry = zipfile.ZipInfo(path)
            entry.external_attr = _MODE << 16
            archive.writestr(entry, part)
    return content.getvalue()
