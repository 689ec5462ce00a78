"""Take a model off the disk."""

import shutil

from appliance.inference.store.catalogue import Catalogue
from appliance.inference.store.errors import ModelStoreError
from appliance.inference.store.files import checked_name, sync_directory
from appliance.inference.store.in_use import read_in_use
from appliance.inference.store.lock import write_lock


def remove(catalogue: Catalogue, name: str) -> int:
    """Delete a model's files and its entry. Call it while both `changing` and `choosing`.

    Returns:
        the bytes that its files had.

    Raises:
        ModelStoreError: it is in use, comes with the appliance, or is not here.
    """
    locked = catalogue.locked()
    if checked_name(name) not in locked:
        if name in catalogue.installed():
            raise ModelStoreError(f"{name} comes with the appliance and stays")
        raise ModelStoreError(f"{name} is not here: `appliance models list` shows what is")
    for kind, choice in read_in_use(catalogue.directory).items():
        if choice.name == name:
            raise ModelStoreError(f"{name} is in use as {kind}: put another one in use first")
    gone = locked.pop(name)
    # The entry first: files without one are only in the way, an entry without files is a lie.
    write_lock(catalogue.directory, locked)
    for folder in (catalogue.folder(name), catalogue.partial(name)):
        if folder.exists():
            shutil.rmtree(folder)
    sync_directory(catalogue.directory)
    return sum(file.size for file in gone.files.values())
