"""Where a service keeps files of one kind, and who examines them: a folder or a bucket, by URL."""

from dataclasses import dataclass
from pathlib import Path

from services.kernel.blobs import Blobs, FolderBlobs
from services.kernel.object_storage import open_bucket
from services.kernel.scanning import Scanner
from services.kernel.settings import Settings


@dataclass(frozen=True)
class Storage:
    """Kept content, the folder of drafts on this machine, the scanner, and the limit of a file."""

    blobs: Blobs
    drafts: Path
    scanner: Scanner
    file_bytes_max: int


def open_storage(settings: Settings, part: str) -> Storage:
    """Open the storage of one kind of files; nobody else keeps or removes anything there."""
    folder, url = settings.data / "files", settings.blobs_url
    return Storage(
        blobs=open_bucket(url, part) if url else FolderBlobs(folder / part),
        drafts=folder / "drafts" / part,
        scanner=Scanner(settings.clamd),
        file_bytes_max=settings.file_bytes_max,
    )
