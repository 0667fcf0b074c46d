"""Names that can stand in LD_PRELOAD, for a checkout in any folder."""

import atexit
import functools
import os
import shutil
import tempfile


@functools.cache
def path(library):
    """The path, or that of a link where the loader would split it or expand a part of it."""
    library = os.path.abspath(library)
    if not set(": $") & set(library):
        return library
    folder = tempfile.mkdtemp(prefix="afterfork-preload-", dir="/tmp")
    atexit.register(shutil.rmtree, folder)
    link = os.path.join(folder, os.path.basename(library))
    os.symlink(library, link)
    return link
